// How pages reach each other: past a server that is gone, at another address, through a relay.

import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { Board, Host, Native, agreed, chromium, firefox, folder, strokes, tidy } from "./lab.mjs";
import { relay } from "./relay.mjs";

afterEach(tidy);
after(tidy);

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

const sees = (other) => (status) => status.peers.includes(other);

test("a link between pages that is cut is mended through a third, while the server is dead", async () => {
    const host = await Host.start();
    const native = Native.start(["--headless", "--data", await folder(), "--signal", host.url.replace("http", "ws")]);
    const link = await native.until("the link", (line) => line.match(/^invite: (.*)/)?.[1]);
    const visit = (browser) => Board.open(browser, link, { prepare: keepConnections });
    const [first, second] = [await visit(await chromium()), await visit(await firefox())];
    const { node: other } = await second.wait("all", (status) => status.voters.length === 3 && status.peers.length === 2);
    const { node } = await first.wait("all", (status) => status.voters.length === 3 && sees(other)(status));

    await host.kill();
    await first.page.evaluate(() => {
        const open = window.connections.filter(({ connectionState }) => connectionState === "connected");
        if (open.length < 2) throw new Error(`${open.length} links are open`);
        open.at(-1).close();
    });
    await first.wait("a peer lost", (status) => status.peers.length < 2);
    await first.wait("both again", (status) => status.peers.length === 2);
    await second.wait("both again", (status) => status.peers.includes(node) && status.peers.length === 2);
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
    const link = await native.until("the link", (line) => line.match(/^invite: (.*)/)?.[1]);
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
    const first = await Board.open(await chromium(), host.url, { query: `${hidden.query}&draw=/strokes/some.json` });
    const second = await Board.open(await firefox(), await first.link(), hidden);
    const relayed = (status) => status.peers.length === 1 && status.relayed.length === 1;
    await first.wait("a relayed peer", relayed);
    await second.wait("a relayed peer", relayed);
    await agreed(10, first, second);
});
