// What can't go on says why, in words for people, and loses nothing.

import assert from "node:assert/strict";
import { readdir, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { Board, Host, Native, agreed, chromium, firefox, folder, strokes, tidy, until } from "./lab.mjs";

afterEach(tidy);

/** What browsers may lack, and how they are brought to lack it: by their own settings where there are such. */
const LACKING = {
    webGl: { chromium: { args: ["--disable-3d-apis"] }, firefox: { settings: { "webgl.disabled": true } } },
    webAssembly: { chromium: without("WebAssembly"), firefox: { settings: { "javascript.options.wasm": false } } },
    webRtc: {
        chromium: without("RTCPeerConnection"),
        firefox: { settings: { "media.peerconnection.enabled": false } },
    },
    storage: {
        "chromium, which refuses": { prepare: (page) => page.evaluateOnNewDocument(refuse) },
        "chromium, which has no place": without("indexedDB"),
        "firefox, which blocks a site's data": { settings: { "network.cookie.cookieBehavior": 2 } },
    },
};

/** A board in a browser that lacks something. */
async function open(browser, { args, settings, prepare }, url) {
    const started = browser.startsWith("chromium")
        ? await chromium({ args })
        : await firefox(settings);
    return Board.open(started, url, { prepare });
}

/** Takes something away from a page before it loads. */
function without(name) {
    const take = (name) => {
        delete window[name];
        // Some things belong to what all windows have in common.
        if (name in window) Object.defineProperty(window, name, { value: undefined });
    };
    return { prepare: (page) => page.evaluateOnNewDocument(take, name) };
}

/** What browsers do where a site may not store anything. Runs in the page. */
function refuse() {
    IDBFactory.prototype.open = () => {
        throw new DOMException("The operation is insecure.", "SecurityError");
    };
}

/** What stands on the page's card, once there is one. */
function failure({ page, said }) {
    const words = (card) => (card.hidden ? undefined : card.innerText);
    return until("a failure on the page", () => page.$eval("#failure", words), () => said.join("\n"));
}

/** What the page's bar says, once it says something. */
function notice({ page, said }) {
    const words = (bar) => (bar.hidden ? undefined : bar.querySelector("p").textContent);
    return until("a notice on the page", () => page.$eval("#notice", words), () => said.join("\n"));
}

test("a link that was cut off says so, and what to do", async () => {
    const host = await Host.start();
    const board = await Board.open(await chromium(), `${host.url}/#q3.broken`);
    const words = await failure(board);
    assert.match(words, /can't start/);
    assert.match(words, /cut off or mistyped/);
    assert.match(words, /copy the whole link/);
});

test("a link of another version says so, and what to do", async () => {
    const host = await Host.start();
    const browser = await chromium();
    const today = await Board.open(browser, host.url);
    const link = await today.link();
    const board = await Board.open(browser, link.replace("#q3.", "#q2."));
    const words = await failure(board);
    assert.match(words, /older version/);
    assert.match(words, /Ask whoever sent it for a new one/);
    assert.ok(!board.said.some((line) => line.includes("panicked")), "nothing else went wrong");
});

for (const [name, how] of Object.entries(LACKING.webGl)) {
    test(`${name}: a browser without WebGL is told what to switch on`, async () => {
        const host = await Host.start();
        const words = await failure(await open(name, how, host.url));
        assert.match(words, /can't draw in this browser/);
        assert.match(words, /hardware acceleration/);
    });
}

for (const [name, how] of Object.entries(LACKING.webAssembly)) {
    test(`${name}: a browser without WebAssembly is told what to do`, async () => {
        const host = await Host.start();
        const words = await failure(await open(name, how, host.url));
        assert.match(words, /can't run in this browser/);
        assert.match(words, /Update the browser/);
    });
}

for (const [name, how] of Object.entries(LACKING.webRtc)) {
    test(`${name}: without WebRTC one draws alone, is told so, and keeps the board`, async () => {
        const host = await Host.start();
        const board = await open(name, how, host.url);
        assert.match(await notice(board), /on your own here: this browser blocks WebRTC/);
        await board.wait("a leader", (status) => status.role === "leader");
        await board.drawLine(200);
        const { node } = await board.wait("a stroke", (status) => status.strokes === 1 && status.pending === 0);
        await board.page.reload();
        const again = await board.wait("the stroke", (status) => status.strokes === 1);
        assert.equal(again.node, node);
    });
}

test("a page without WebRTC waits at somebody's link, and disturbs nobody", async () => {
    const host = await Host.start([], { one: strokes(0, 1) });
    const server = ["--signal", host.url.replace("http", "ws"), "--draw", host.file("one")];
    const native = Native.start(["--headless", "--data", await folder(), ...server]);
    const link = await native.link();
    const alone = await open("chromium", LACKING.webRtc.chromium, link);
    await alone.wait("a node", (status) => status.role === "waiting");
    // Whoever comes after it is introduced after it.
    const other = await Board.open(await chromium(), link);
    await agreed(1, native, other);
    assert.equal(await alone.page.$eval("#failure", (card) => card.hidden), true);
    assert.equal((await alone.status()).role, "waiting");
});

test("whom a crowded server has no place for is told that, and comes in when there is one", async () => {
    const host = await Host.start(["--connections-per-address", "2"]);
    const browser = await chromium();
    const first = await Board.open(browser, host.url);
    const link = await first.link();
    await first.wait("to be found", (status) => status.rendezvous === "connected");
    const second = await Board.open(browser, link);
    const native = Native.start(["--headless", "--data", await folder(), link]);
    await native.wait("to be turned away", (status) => status.rendezvous === "full");
    await second.wait("to be turned away", (status) => status.rendezvous === "full");
    await native.kill();
    await first.page.close();
    await second.wait("a place", (status) => status.rendezvous === "connected");
});

test("a page whose browser gives it no more connections goes on with those that it has", async () => {
    const host = await Host.start();
    const prepare = (page) => page.evaluateOnNewDocument(() => {
        window.RTCPeerConnection = class extends RTCPeerConnection {
            constructor(...settings) {
                super(...settings);
                if (!window.spent) return;
                window.refused = true;
                throw new DOMException("Cannot create so many PeerConnections", "UnknownError");
            }
        };
    });
    const board = await Board.open(await chromium(), host.url, { prepare });
    const native = Native.start(["--headless", "--data", await folder(), await board.link()]);
    await board.wait("two voters", (status) => status.voters.length === 2);
    await board.page.evaluate(() => (window.spent = true));
    Native.start(["--headless", "--data", await folder(), await board.link()]);
    await until("another one to be refused", () => board.page.evaluate(() => window.refused));
    await board.drawLine(200);
    await agreed(1, board, native);
    assert.equal(await board.page.$eval("#failure", (card) => card.hidden), true);
});

for (const [name, how] of Object.entries(LACKING.storage)) {
    test(`${name}: one draws all the same, is told what that means, and the others keep it`, async () => {
        const host = await Host.start();
        const board = await open(name, how, host.url);
        const words = await notice(board);
        assert.match(words, /keeps nothing for this page/);
        assert.match(words, /The others keep it/);
        assert.match(words, /allow the site to store data/);
        await board.wait("a leader", (status) => status.role === "leader");
        const native = Native.start(["--headless", "--data", await folder(), await board.link()]);
        await native.wait("two voters", (status) => status.voters.length === 2);
        await board.drawLine(200);
        await native.wait("the stroke", (status) => status.strokes === 1);
    });
}

test("who comes in when no space is left draws all the same, and is told what that means", async () => {
    const host = await Host.start();
    const prepare = async (page) => {
        const session = await page.createCDPSession();
        await session.send("Storage.overrideQuotaForOrigin", { origin: host.url, quotaSize: 1 });
    };
    const board = await Board.open(await chromium(), host.url, { prepare });
    const words = await notice(board);
    assert.match(words, /No space is left/);
    assert.match(words, /Free some space/);
    await board.wait("a leader", (status) => status.role === "leader");
    await board.drawLine(200);
    await board.wait("a stroke", (status) => status.strokes === 1 && status.pending === 0);
});

test("what the browser kept and something damaged is told as such, and left as it is", async () => {
    const host = await Host.start();
    const browser = await chromium();
    const board = await Board.open(browser, host.url);
    await board.wait("its board", (status) => status.role === "leader");
    const link = await board.link();
    await board.page.close();
    // A page of the same origin that has nothing to do with the board.
    const hand = await browser.newPage();
    await hand.goto(`${host.url}/config.json`);
    const spoiled = await hand.evaluate(once, [7, 7, 7]);
    const words = await failure(await Board.open(browser, link));
    assert.match(words, /is damaged/);
    assert.match(words, /open its link in another browser/);
    assert.deepEqual(await hand.evaluate(once), spoiled);

    /** Runs in a page: what there is once in the store, after `bytes`, if any, took the place of each record. */
    async function once(bytes) {
        const [{ name }] = await indexedDB.databases();
        const done = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
        const database = await done(indexedDB.open(name));
        const table = database.transaction("meta", "readwrite").objectStore("meta");
        for (const key of bytes ? await done(table.getAllKeys()) : []) await done(table.put(new Uint8Array(bytes), key));
        const records = (await done(table.getAll())).map((record) => [...record]);
        database.close();
        return records;
    }
});

test("a module that arrives in part, or not at all, says that it did", async () => {
    const host = await Host.start();
    const browser = await chromium();
    const modules = await filesOf(host, (name) => name.startsWith("whiteboard") && name.includes(".wasm"));
    for (const [end, spoil] of Object.entries({ cut: (file) => truncate(file, 500_000), gone: rm })) {
        for (const file of modules) await spoil(file);
        // A page that keeps nothing of the one before.
        const board = await Board.open(await browser.createBrowserContext(), host.url);
        const words = await failure(board);
        assert.match(words, /didn't load completely/, end);
        assert.match(words, /Check that you are online, then reload/, end);
    }
});

test("a connection that breaks off while the page loads is told, and a reload goes on", async () => {
    const host = await Host.start();
    const browser = await chromium();
    const page = await browser.newPage();
    const board = new Board(page);
    await page.setRequestInterception(true);
    let offline = true;
    page.on("request", (request) => {
        if (offline && request.url().endsWith(".wasm")) request.abort("connectionreset");
        else request.continue();
    });
    await board.go(host.url);
    assert.match(await failure(board), /The connection broke off/);
    offline = false;
    await page.click("#reload");
    await board.wait("a leader", (status) => status.role === "leader");
});

test("a page whose graphics are taken away isn't left blank, and a reload brings everything back", async () => {
    const host = await Host.start();
    const board = await Board.open(await chromium(), host.url);
    await board.wait("a leader", (status) => status.role === "leader");
    await board.drawLine(200);
    await board.wait("a stroke", (status) => status.strokes === 1 && status.pending === 0);
    const lose = (canvas) => canvas.getContext("webgl2").getExtension("WEBGL_lose_context").loseContext();
    await board.page.$eval("#board", lose);
    const words = await failure(board);
    assert.match(words, /lost its picture/);
    assert.match(words, /Reload the page/);
    await board.page.click("#reload");
    await board.wait("the stroke", (status) => status.strokes === 1 && status.role === "leader");
});

test("a page whose storage is full stops, and the others have what was decided and go on", async () => {
    const host = await Host.start();
    const browser = await chromium();
    const board = await Board.open(browser, host.url);
    await board.wait("a leader", (status) => status.role === "leader");
    const native = Native.start(["--headless", "--data", await folder(), await board.link()]);
    const third = Native.start(["--headless", "--data", await folder(), await board.link()]);
    await third.wait("three voters", (status) => status.voters.length === 3);
    await board.drawLine(200);
    const decided = await board.wait("a stroke", (status) => status.strokes === 1 && status.pending === 0);
    const session = await board.page.createCDPSession();
    await session.send("Storage.overrideQuotaForOrigin", { origin: host.url, quotaSize: 1_000 });
    // Browsers count what a site stores in their own time.
    await until("the storage to be full", async () => {
        const full = await board.page.$eval("#failure", (card) => !card.hidden);
        if (!full) await board.draw(strokes(1, 100)).catch(() => {});
        return full;
    });
    assert.match(await failure(board), /no space is left/i);
    const left = (status) => status.role === "leader" && !status.peers.includes(decided.node);
    const leads = await Promise.any([native.wait("the office", left), third.wait("the office", left)]);
    assert.ok(leads.strokes >= decided.strokes);
});

test("a page goes on when its server is gone, and is there for those it was with", async () => {
    const host = await Host.start();
    const first = await Board.open(await chromium(), host.url);
    await first.wait("a leader", (status) => status.role === "leader");
    const second = await Board.open(await chromium(), await first.link());
    await second.wait("two voters", (status) => status.voters.length === 2 && status.peers.length === 1);
    await host.kill();
    await first.drawLine(200);
    await second.wait("a stroke", (status) => status.strokes === 1);
    await second.drawLine(260);
    await first.wait("another stroke", (status) => status.strokes === 2 && status.pending === 0);
});

test("a link whose server is gone is waited for, and leads to the board once somebody is there", async () => {
    const host = await Host.start([], { one: strokes(0, 1) });
    const data = await folder();
    const before = Native.start(["--headless", "--data", data, "--listen", "127.0.0.1:0", "--draw", host.file("one")]);
    const link = await before.link();
    await before.wait("its stroke", (status) => status.strokes === 1 && status.pending === 0);
    await before.kill();
    const board = await Board.open(await chromium(), `${host.url}/${new URL(link).hash}`);
    const waits = await board.wait("a node", (status) => status.node !== null);
    assert.deepEqual([waits.role, waits.voters, waits.strokes], ["waiting", [], 0]);
    Native.start(["--headless", "--data", data]);
    await board.wait("the board", (status) => status.strokes === 1 && status.voters.includes(waits.node));
});

/** The files of a host's pages, wherever they lie, that have such a name. */
async function filesOf(host, wanted) {
    const files = await readdir(host.folder, { recursive: true });
    return files.filter((file) => wanted(file.split("/").at(-1))).map((file) => join(host.folder, file));
}
