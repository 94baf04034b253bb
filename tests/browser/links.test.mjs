// How pages reach each other: past a server that is gone, at another address, through a relay.

import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { Board, Host, Native, agreed, chromium, firefox, folder, strokes, tidy, until } from "./lab.mjs";
import { relay } from "./relay.mjs";

afterEach(tidy);
after(tidy);

/** After how long a link that says nothing is taken for lost, and some more. */
const SILENCE_MS = 12_000;

/** Lets a test cut the links of a page. */
const keepConnections = (page) =>
    page.evaluateOnNewDocument(() => {
        window.connections = [];
        window.RTCPeerConnection = class extends RTCPeerConnection {
            constructor(...settings) {
                super(...settings);
                window.connections.push(this);
            }
        };
    });

/** Closes the page's connections, newest first, until somebody misses a peer: those for bulk are missed by nobody. */
async function cut(board, everybody) {
    const misses = async () => {
        const all = await Promise.all(everybody.map((one) => one.status()));
        return all.some(({ peers }) => peers.length < everybody.length - 1);
    };
    // Those that the page makes anew, in place of what is cut, are no part of it.
    await board.page.evaluate(() => {
        window.standing = window.connections.filter(({ connectionState }) => connectionState === "connected");
    });
    for (let missed = false; !missed; ) {
        const left = await board.page.evaluate(() => (window.standing.pop()?.close(), window.standing.length));
        assert.ok(left > 0, "somebody misses it before all are cut");
        const deadline = Date.now() + SILENCE_MS;
        await until("it to be missed", async () => (missed = await misses()) || Date.now() > deadline);
    }
}

test("a link between pages that is cut is mended through a third, while the server is dead", async () => {
    const host = await Host.start();
    const native = Native.start(["--headless", "--data", await folder(), "--signal", host.url.replace("http", "ws")]);
    const link = await native.link();
    const visit = (browser) => Board.open(browser, link, { prepare: keepConnections });
    const [first, second] = [await visit(await chromium()), await visit(await firefox())];
    const everybody = [first, second, native];
    const whole = (status) => status.peers.length === 2 && status.voters.length === 3;
    for (const one of everybody) await one.wait("both others", whole);

    await host.kill();
    await cut(first, everybody);
    for (const one of everybody) await one.wait("both others again", whole);
    await first.draw(strokes(0, 3));
    await agreed(3, first, second, native);
});

test("a page comes in at a room's second address when the first is dead", async () => {
    const first = await Host.start([], { some: strokes(0, 10) });
    const second = await Host.start();
    const socket = (host) => host.url.replace("http", "ws");
    const native = Native.start([
        "--headless", "--data", await folder(), "--draw", first.file("some"),
        "--signal", socket(first), "--signal", socket(second),
    ]);
    const link = await native.link();
    await first.kill();
    // The page itself lies in the browser's cache, or comes from somebody else's server, which knows no room.
    const pages = await Host.start();
    const page = await Board.open(await chromium(), `${pages.url}/${new URL(link).hash}`);
    await page.wait("to be in", (status) => status.voters.length === 2);
    await agreed(10, page, native);
});

test("pages that keep their addresses to themselves draw through a relay, and say so", async () => {
    const through = await relay();
    const host = await Host.start(through.host, { some: strokes(0, 10) });
    const hidden = { query: "&relay-only" };
    const first = await Board.open(await chromium(), host.url, { query: "&relay-only&draw=/strokes/some.json" });
    // Firefox passes over relays on loopback unless it is told.
    const second = await Board.open(await firefox({ "media.peerconnection.ice.loopback": true }), await first.link(), hidden);
    const relayed = (status) => status.peers.length === 1 && status.relayed.length === 1;
    await first.wait("a relayed peer", relayed);
    await second.wait("a relayed peer", relayed);
    await agreed(10, first, second);
});
