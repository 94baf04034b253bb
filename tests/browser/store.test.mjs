// Stores in real browsers: what every store does, and what is left when a page ends at any moment.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Host, Story, chromium, crash, firefox, tidy, until } from "./lab.mjs";

after(tidy);

const ROUNDS = 8;
/** After how many changes that a page asked for its transaction is torn, while it makes its store by thirteen of them. */
const TORN_IN_THE_MAKING = [1, 2, 5, 9, 12];
/** The same, later: in a page's first group, which is large, and in those after it. */
const TORN_AFTER = [1, 40, 150, 300, 500, 800];

/** Kills a page; closes it where nobody can. */
async function kill(browser, story) {
    if (!(await browser.version()).includes("Chrome")) return story.page.close();
    await crash(story.page);
}

/** How many writes were told to be durable by a page whose transaction is torn after so many changes. */
async function torn(context, url, count) {
    const writer = await Story.begin(context, url, "write", (page) => page.evaluateOnNewDocument(tear, count));
    await until("a torn transaction", () => writer.told("torn"));
    const reached = Number(await writer.told("reached"));
    await writer.page.close();
    return reached;

    /** Runs in the page: who asks for more changes than `count` fails, and what was asked for before is committed. */
    function tear(count) {
        let left = count;
        for (const kind of ["put", "delete"]) {
            const real = IDBObjectStore.prototype[kind];
            IDBObjectStore.prototype[kind] = function (...request) {
                if (left-- > 0) return real.apply(this, request);
                this.transaction.addEventListener("complete", () => (document.documentElement.dataset.torn = "yes"));
                throw new DOMException("the page is gone", "AbortError");
            };
        }
        IDBTransaction.prototype.abort = () => {};
    }
}

/** How many writes are there, once what was unfinished is carried out. */
async function there(context, url) {
    const reader = await Story.begin(context, url, "check");
    const written = Number(await reader.tells("written"));
    await reader.page.close();
    return written;
}

for (const [name, launch] of Object.entries({ chromium, firefox })) {
    test(`${name}: a store does what every store does`, async () => {
        const host = await Host.start();
        const story = await Story.begin(await launch(), host.url, "conformance");
        await story.tells("done");
    });

    test(`${name}: what was told durable survives the end of its page at any moment`, async () => {
        const host = await Host.start();
        const browser = await launch();
        let kept = 0;
        for (let round = 1; round <= ROUNDS; round++) {
            const writer = await Story.begin(browser, host.url, "write");
            const goal = kept + 1 + ((round * 7919) % 61);
            const reached = await until(`write ${goal}`, async () => {
                const reached = Number(await writer.tells("reached"));
                return reached >= goal && reached;
            });
            await kill(browser, writer);
            const written = await there(browser, host.url);
            assert.ok(written >= reached, `round ${round}: ${reached} told, ${written} there`);
            assert.ok(written > kept, `round ${round} went on`);
            kept = written;
        }
    });

    test(`${name}: a transaction of which the browser made a part durable is made whole`, async () => {
        const host = await Host.start();
        const browser = await launch();
        for (const count of TORN_IN_THE_MAKING) {
            const context = await browser.createBrowserContext();
            await torn(context, host.url, count);
            assert.equal(await there(context, host.url), 0);
            await context.close();
        }
        await torn(browser, host.url, 1);
        let [before, reachedMost] = [await there(browser, host.url), 0];
        for (const count of TORN_AFTER) {
            const reached = await torn(browser, host.url, count);
            const written = await there(browser, host.url);
            assert.ok(written > before && written >= reached, `torn after ${count}: ${before}, ${reached} told, ${written} there`);
            [before, reachedMost] = [written, Math.max(reached, reachedMost)];
        }
        assert.ok(reachedMost > 0, "some were told to be durable before");
        // What was left by one page, another one may leave in its turn.
        await torn(browser, host.url, 40);
        assert.equal(await torn(browser, host.url, 5), 0);
        assert.ok((await there(browser, host.url)) > before);
    });

    test(`${name}: a store in use is not shared, and is free when its page is gone`, async () => {
        const host = await Host.start();
        const browser = await launch();
        const holder = await Story.begin(browser, host.url, "hold");
        await holder.tells("held");
        const second = await Story.begin(browser, host.url, "try");
        assert.match(await second.tells("failure"), /open/);
        await kill(browser, holder);
        const third = await Story.begin(browser, host.url, "hold");
        await third.tells("held");
    });
}

test("chromium: without encryption there are no locks, and a store in use is not shared all the same", async () => {
    const host = await Host.start();
    const browser = await chromium({ args: ["--host-resolver-rules=MAP board.test 127.0.0.1"] });
    const url = host.url.replace("127.0.0.1", "board.test");
    const holder = await Story.begin(browser, url, "hold");
    await holder.tells("held");
    assert.ok(await holder.page.evaluate(() => !isSecureContext && navigator.locks === undefined));
    const second = await Story.begin(browser, url, "try");
    await holder.page.bringToFront();
    assert.match(await second.tells("failure"), /open/);
    await crash(holder.page);
    const third = await Story.begin(browser, url, "hold");
    await third.tells("held");
});

/** Fills what a browser grants a site. */
async function fill(browser, host) {
    const story = await Story.begin(browser, host.url, "fill");
    assert.match(await story.tells("failure"), /no space is left/);
}

test("chromium: a full disk is told in words, and ends the store", async () => {
    const host = await Host.start();
    const browser = await chromium();
    const session = await (await browser.newPage()).createCDPSession();
    await session.send("Storage.overrideQuotaForOrigin", { origin: host.url, quotaSize: 2_000_000 });
    await fill(browser, host);
});

test("firefox: a full disk is told in words, and ends the store", async () => {
    const host = await Host.start();
    await fill(await firefox({ "dom.quotaManager.temporaryStorage.fixedLimit": 5_120 }), host);
});
