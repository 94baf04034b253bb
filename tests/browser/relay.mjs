// A TURN server: coturn, on this machine, which relays at another address than the peers'.
//
// Peers are let through to each other's relays by their own address, so with one address for all they would find out
// about each other directly.

import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { folder, onTidy, until } from "./lab.mjs";

const RELAYS_AT = "127.0.0.2";
const [USER, PASSWORD] = ["ada", "lovelace"];

/** What the host program is told of a relay that runs from now on. */
export async function relay() {
    const address = ownAddress();
    const port = await freePort(address);
    const place = await folder();
    const path = (name) => join(place, name);
    const server = spawn("turnserver", [
        "-n", "--no-tls", "--no-dtls", "--no-cli", "--lt-cred-mech", "--allow-loopback-peers",
        "--realm", "quorum", "--user", `${USER}:${PASSWORD}`,
        "--listening-ip", address, "--relay-ip", RELAYS_AT, "--listening-port", port,
        "--min-port", "49152", "--max-port", "65535",
        "--pidfile", path("pid"), "--userdb", path("users"), "--log-file", path("log"), "--simple-log",
    ], { stdio: "ignore" });
    onTidy(async () => server.kill("SIGKILL"));
    await until("the relay", () => answers(address, port));
    await writeFile(path("password"), PASSWORD);
    return {
        url: `turn:${address}:${port}?transport=udp`,
        host: [
            "--turn", `turn:${address}:${port}?transport=udp`,
            "--turn-username", USER, "--turn-password-file", path("password"),
        ],
        native: [
            "--ice-server", `turn:${address}:${port}?transport=udp`,
            "--ice-username", USER, "--ice-credential", PASSWORD, "--relay-only",
        ],
    };
}

/** Not loopback: browsers don't speak to relays there. */
function ownAddress() {
    const all = Object.values(networkInterfaces()).flat();
    return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}

async function freePort(address) {
    const socket = createSocket("udp4").bind(0, address);
    await once(socket, "listening");
    const { port } = socket.address();
    socket.close();
    return String(port);
}

/** Whether a STUN server answers a binding request (RFC 8489) there. */
async function answers(address, port) {
    const request = Buffer.concat([Buffer.from([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]), Buffer.from("quorum test.")]);
    const socket = createSocket("udp4");
    socket.on("error", () => {});
    socket.send(request, Number(port), address);
    const answer = new Promise((resolve) => {
        socket.once("message", () => resolve(true));
        setTimeout(() => resolve(false), 200);
    });
    const answered = await answer;
    socket.close();
    return answered;
}
