"""What policies decide, written a second time and differently: level by level, over words instead of values."""

import itertools
from collections.abc import Iterator

PLACES = ["account", "toolkit", "everywhere", "another account", "another toolkit"]
PEOPLE = ["person for a time", "person", "role", "everybody", "another person", "another role"]
FOR_APPLICATIONS = ["application", "role", "everybody", "another application", "another role", "person"]
CALLERS = {  # whose levels of people count, the most specific first; an end user is no member, so no role is theirs
    "member": (("person for a time", "person"), ("role",), ("everybody",)),
    "application": (("application",), ("role",), ("everybody",)),
    "end user": (("application",), ("everybody",)),
}
EFFECTS = ["this effect", "any effect", "another effect"]
VERDICTS = ["allow", "ask", "deny"]
STRICTEST_FIRST = ["deny", "ask", "allow"]

Rule = tuple[str, str, str, str]  # place, people, effect, verdict


def rules(caller: str = "member") -> Iterator[Rule]:
    people = PEOPLE if caller == "member" else FOR_APPLICATIONS
    yield from itertools.product(PLACES, people, EFFECTS, VERDICTS)


def pairs(caller: str = "member") -> Iterator[tuple[Rule, Rule]]:
    yield from itertools.combinations(rules(caller), 2)


def levels(caller: str) -> Iterator[tuple[str, str, str]]:
    """From the most specific on: an account, then people, then an effect; what ends over what stays.

    A rule about an account means one of the organization's, which is never an end user's.
    """
    for place in ("toolkit", "everywhere") if caller == "end user" else ("account", "toolkit", "everywhere"):
        for people in CALLERS[caller]:
            for effect in ("this effect", "any effect"):
                yield from ((place, one, effect) for one in people)


def decide(*asked: Rule, caller: str = "member") -> str:
    """The verdict of the first level at which a rule speaks, and there the strictest; else it is allowed.

    Nobody can approve what runs for an end user, so there "ask" is "deny".
    """
    for level in levels(caller):
        said = {verdict for *where, verdict in asked if tuple(where) == level}
        if said:
            verdict = next(one for one in STRICTEST_FIRST if one in said)
            return "deny" if caller == "end user" and verdict == "ask" else verdict
    return "allow"
