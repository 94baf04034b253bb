// One board in two pages of Chromium, one of Firefox, and a native process.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Board, Host, Native, agreed, chromium, firefox, folder, strokes, tidy } from "./lab.mjs";

after(tidy);

/** What each of them draws; `STROKES` asks for more. */
const EACH = Number(process.env.STROKES ?? 50);

test("pages of two browsers and a native peer draw at once, and see the same", async () => {
    const hands = Object.fromEntries([0, 1, 2, 3].map((hand) => [hand, strokes(hand, EACH)]));
    const host = await Host.start([], hands);
    const draw = (hand) => ({ query: `&draw=/strokes/${hand}.json` });
    const first = await Board.open(await chromium(), host.url, draw(0));
    const link = await first.link();
    const second = await Board.open(await chromium(), link, draw(1));
    const third = await Board.open(await firefox(), link, draw(2));
    const native = Native.start(["--headless", "--data", await folder(), "--draw", host.file(3), link]);
    const status = await agreed(4 * EACH, first, second, third, native);
    assert.equal(status.voters.length + status.learners.length, 4);
});
