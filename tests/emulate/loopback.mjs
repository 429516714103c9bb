// Loaded before emulate (node --import). emulate listens on every interface and has no option for it;
// this makes every listener of the process a loopback listener, and ends the process with its parent.
import net from "node:net";

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function listenOnLoopback(port, ...rest) {
  if (typeof port !== "number") throw new Error("only listen(port) is allowed here");
  const ready = rest.find((item) => typeof item === "function");
  return listen.call(this, { port, host: "127.0.0.1" }, ready);
};

process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
