// What can't be opened says why, in words for people.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Board, Host, chromium, tidy, until } from "./lab.mjs";

after(tidy);

test("a link that was cut off says so, and what to do", async () => {
    const host = await Host.start();
    const board = await Board.open(await chromium(), `${host.url}/#q3.broken`);
    const told = () => board.page.$eval("#failure", (card) => (card.hidden ? undefined : card.innerText));
    const words = await until("a failure on the page", told);
    assert.match(words, /can't start/);
    assert.match(words, /link/i);
});
