// How a room goes on: its leader's tab is hidden, all tabs are hidden, its leader's tab is killed.
//
// In Chromium alone, where another tab in front hides a page and where a page can be killed. Everything runs on one
// machine, so all clocks are the same.

import { Board, Host, chromium, strokes, tidy, until } from "../../tests/browser/lab.mjs";
import { percentile } from "./table.mjs";

/** How far the hidden page falls behind, and how long it is hidden at least. */
const [ENTRIES, HIDDEN_MS] = [Number(process.env.ENTRIES ?? 6_000), Number(process.env.HIDDEN_SECONDS ?? 60) * 1_000];
/** How often a leader is killed, and a stroke put into a hidden page. */
const ROUNDS = Number(process.env.ROUNDS ?? 10);
/** As long as browsers take to slow the timers of a hidden page down. */
const SLOWED_MS = 12_000;
/** Strokes that go to the hidden page at once. */
const BATCH = 500;

const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));
const median = (values) => percentile(values, 50);
const ms = (time) => `${Math.round(time)} ms`;
const all = (values) => `all ${values.map(Math.round).join(" ")}`;
const many = (values) => ({ words: `median ${ms(median(values))}   ${all(values)}`, value: median(values) });

export async function going(table) {
    table.heading("three pages, the leader's tab hidden by another tab");
    await hiddenLeader(table);
    await tidy();
    table.heading("three pages, every tab hidden");
    await table.measure("a stroke is decided on a majority after", everyTabHidden, many);
    await tidy();
    table.heading("three pages, the leader's tab killed");
    await table.measure("the next stroke of another is on its board after", killedLeader, many);
    await tidy();
}

/** Pages in browsers of their own, all voters; the first leads. */
async function room(count) {
    const host = await Host.start();
    const pages = [];
    for (let number = 0; number < count; number++) {
        const link = number === 0 ? host.url : await pages[0].link();
        pages.push(await Board.open(await chromium(), link));
        await pages[0].wait("a voter more", (status) => status.voters.length === number + 1);
    }
    await ready(pages);
    return pages;
}

/** Waits until all are linked, and know the leader. */
async function ready(pages) {
    const all = (status) => status.leader && status.peers.length === pages.length - 1 && status.voters.length === pages.length;
    for (const page of pages) await page.wait("everybody", all);
}

async function leading(pages) {
    return until("a leader", async () => {
        for (const page of pages) if ((await page.consensus()).role === "leader") return page;
    });
}

/** How long each of several strokes, drawn one after the other, takes to be decided. */
async function latencies(page, count, every) {
    return page.page.evaluate(async (json, count, every) => {
        const commit = () => JSON.parse(window.whiteboard.status()).commit;
        const turn = () => new Promise((resolve) => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = resolve;
            port2.postMessage(null);
        });
        const times = [];
        for (let number = 0; number < count; number++) {
            const [before, began] = [commit(), performance.now()];
            window.whiteboard.draw(json);
            while (commit() === before) await turn();
            times.push(performance.now() - began);
            await new Promise((resolve) => setTimeout(resolve, every));
        }
        return times;
    }, JSON.stringify(strokes(0, 1)), count, every);
}

/** Notes when a page learns of another leader. */
function watchLeader(page, former) {
    return page.page.evaluate((former) => {
        window.learned = new Promise((resolve) => {
            const look = setInterval(() => {
                const { leader } = JSON.parse(window.whiteboard.status());
                if (!leader || leader === former) return;
                clearInterval(look);
                resolve(Date.now());
            }, 4);
        });
    }, former);
}

async function hiddenLeader(table) {
    const pages = await room(3);
    const page = await leading(pages);
    const others = pages.filter((other) => other !== page);
    const usual = await latencies(others[0], 40, 50);
    const { node } = await page.consensus();
    for (const other of others) await watchLeader(other, node);
    await page.page.evaluate(() =>
        document.addEventListener("visibilitychange", () => (window.hiddenAt ??= Date.now()), { once: true }));
    const front = await page.hide();
    const hiddenAt = await page.page.evaluate(() => window.hiddenAt);
    const learned = await Promise.all(others.map((other) => other.page.evaluate(() => window.learned)));
    table.row("another leader is known to both others after", ms(Math.max(...learned) - hiddenAt));
    const meanwhile = await latencies(others[0], 40, 50);
    table.row("a stroke of another is decided after, before", `median ${ms(median(usual))}`);
    table.row("a stroke of another is decided after, meanwhile", `median ${ms(median(meanwhile))}`);
    table.ratio("meanwhile / before", median(meanwhile), median(usual));
    await catchUp(table, page, others, hiddenAt, front);
}

async function catchUp(table, page, others, hiddenAt, front) {
    const { strokes: had } = await others[0].status();
    for (let drawn = 0; drawn < ENTRIES; drawn += BATCH) {
        await others[0].draw(strokes(1, Math.min(BATCH, ENTRIES - drawn)));
        await others[0].wait("them to be decided", (status) => status.pending === 0);
    }
    await sleep(Math.max(0, HIDDEN_MS - (Date.now() - hiddenAt)));
    const { digest } = await others[0].wait("all", (status) => status.strokes >= had + ENTRIES);
    const seconds = Math.round((Date.now() - hiddenAt) / 1000);
    await page.page.evaluate((digest) => {
        window.frames = [];
        window.caughtUp = new Promise((resolve) => {
            let last;
            const frame = (now) => {
                if (last !== undefined) window.frames.push(now - last);
                last = now;
                const status = JSON.parse(document.documentElement.dataset.status);
                if (status.digest !== digest) return requestAnimationFrame(frame);
                resolve(Date.now());
            };
            document.addEventListener("visibilitychange", () => {
                window.shownAt = Date.now();
                requestAnimationFrame(frame);
            }, { once: true });
        });
    }, digest);
    await front.close();
    await page.page.bringToFront();
    const [shownAt, caughtUp, frames] = await page.page.evaluate(async () =>
        [window.shownAt, await window.caughtUp, window.frames]);
    const usual = await framesOf(page);
    table.row(`shown after ${seconds} s, ${ENTRIES} strokes behind: as the others`, `after ${ms(caughtUp - shownAt)}`);
    table.row("the longest frame meanwhile", ms(Math.max(...frames)));
    table.row("the longest frame of the same board, moved about", ms(Math.max(...usual)));
}

/** The frames of a page whose board is moved about. */
async function framesOf(page) {
    await page.page.evaluate(() => {
        window.frames = [];
        let last;
        const frame = (now) => {
            if (last !== undefined) window.frames.push(now - last);
            last = now;
            if (window.frames.length < 60) requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
    });
    return until("sixty frames", async () => {
        await page.page.mouse.wheel({ deltaX: 3, deltaY: 3 });
        return page.page.evaluate(() => (window.frames.length >= 60 ? window.frames : undefined));
    });
}

async function everyTabHidden() {
    const pages = await room(3);
    for (const page of pages) await page.hide();
    const times = [];
    for (let round = 0; round < ROUNDS; round++) {
        await sleep(round === 0 ? SLOWED_MS : 1_000);
        const page = pages[round % pages.length];
        const before = Math.max(...(await Promise.all(pages.map((page) => page.consensus()))).map(({ commit }) => commit));
        const began = Date.now();
        await page.draw(strokes(0, 1));
        await until("a majority to have it", async () => {
            const all = await Promise.all(pages.map((page) => page.consensus()));
            return all.filter(({ commit }) => commit > before).length >= 2;
        });
        times.push(Date.now() - began);
    }
    return times;
}

async function killedLeader() {
    const pages = await room(3);
    const times = [];
    for (let round = 0; round < ROUNDS; round++) {
        const page = await leading(pages);
        const others = pages.filter((other) => other !== page);
        const { strokes: had } = await others[0].status();
        const link = await page.link();
        const session = await page.page.createCDPSession();
        const gone = new Promise((resolve) => page.page.once("error", resolve));
        session.send("Page.crash").catch(() => {});
        await gone;
        const took = others[0].page.evaluate(async (json, had) => {
            const began = performance.now();
            window.whiteboard.draw(json);
            while (JSON.parse(document.documentElement.dataset.status).strokes <= had) {
                await new Promise((resolve) => setTimeout(resolve, 2));
            }
            return performance.now() - began;
        }, JSON.stringify(strokes(0, 1)), had);
        times.push(await took);
        const context = page.page.browserContext();
        await page.page.close();
        pages[pages.indexOf(page)] = await Board.open(context, link);
        await ready(pages);
    }
    return times;
}
