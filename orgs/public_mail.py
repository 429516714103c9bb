"""Mail providers where anybody can have an address: their domains say nothing about who somebody works for."""

from typing import Final

_NAMES: Final = """
163.com 126.com aim.com aol.com bk.ru btinternet.com comcast.net cox.net daum.net duck.com fastmail.com fastmail.fm
free.fr gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com hanmail.net hey.com hotmail.co.uk hotmail.com
hotmail.de hotmail.es hotmail.fr hotmail.it hushmail.com icloud.com inbox.ru laposte.net libero.it list.ru
live.co.uk live.com live.de live.fr live.nl mac.com mail.com mail.de mail.ru mailbox.org mailinator.com me.com
msn.com naver.com orange.fr outlook.com outlook.de outlook.es outlook.fr pm.me posteo.de posteo.net proton.me
protonmail.ch protonmail.com qq.com rediffmail.com riseup.net rocketmail.com sbcglobal.net seznam.cz sfr.fr sina.com
skynet.be t-online.de tuta.com tutamail.com tutanota.com tutanota.de verizon.net virgilio.it wanadoo.fr web.de wp.pl
ya.ru yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.it
yandex.com yandex.ru yeah.net ymail.com yopmail.com zoho.com zohomail.com
"""
PUBLIC_MAIL: Final = frozenset(_NAMES.split())


def is_public_mail(domain: str) -> bool:
    """Also of a subdomain of one."""
    parts = domain.split(".")
    return any(".".join(parts[start:]) in PUBLIC_MAIL for start in range(len(parts)))
