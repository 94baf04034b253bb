// Native peers without a board, as `benches/processes` has them: one that opens a room, and others that come to it.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { folder, onTidy, until } from "../../tests/browser/lab.mjs";

const { QUORUM_PEER } = process.env;

/** A native peer that is told what to do on its standard input. */
export class Peer {
    /** `way` is the address of a signaling server to open a room at, or an invitation. */
    static async start(way) {
        if (!QUORUM_PEER) throw new Error("QUORUM_PEER names no program; the head of main.mjs says how it is built");
        return new Peer(await folder(), way);
    }

    constructor(data, way) {
        this.lines = [];
        this.child = spawn(QUORUM_PEER, ["--peer", data, way], { stdio: ["pipe", "pipe", "inherit"] });
        this.child.on("error", (error) => (this.failure = error.message));
        createInterface({ input: this.child.stdout }).on("line", (line) => this.lines.push(line));
        onTidy(async () => this.child.kill("SIGKILL"));
    }

    link() {
        return this.says("an invitation", /^invite (.*)/);
    }

    stands(leads, voters) {
        return this.says(`${voters} voters`, new RegExp(`^(stands ${leads} ${voters})$`));
    }

    /** Draws so many strokes a second; how long each took until it was settled, in milliseconds. */
    async trickle(rate, count) {
        this.child.stdin.write(`trickle ${rate}\n`);
        const settled = () => this.lines.flatMap((line) => line.match(/^settled (\d+)/)?.[1] ?? []);
        await until(`${count} strokes`, () => settled().length >= count, () => this.failure);
        this.child.stdin.write("stop\n");
        return settled().slice(0, count).map((micros) => Number(micros) / 1000);
    }

    says(what, words) {
        const find = () => this.lines.map((line) => line.match(words)?.[1]).find(Boolean);
        return until(what, find, () => this.failure);
    }
}
