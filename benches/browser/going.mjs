// How a room goes on: its leader's tab is hidden, all tabs are hidden, its leader's tab is killed.
//
// In Chromium alone, where another tab in front hides a page and where a page can be killed. Everything runs on one
// machine, so all clocks are the same.

import { Host, chromium, crash, strokes, tidy, until } from "../../tests/browser/lab.mjs";
import { Page } from "./page.mjs";
import { latencies, percentile } from "./table.mjs";

/** How far the hidden page falls behind, and how long it is hidden after that: the others are done with drawing then. */
const [ENTRIES, HIDDEN_MS] = [Number(process.env.ENTRIES ?? 6_000), Number(process.env.HIDDEN_SECONDS ?? 60) * 1_000];
/** How often a leader is hidden, and killed, and a stroke put into a hidden page. */
const ROUNDS = Number(process.env.ROUNDS ?? 10);
/** After this a page that handed over, and got the office back, hands over again at once, and is not taken for fickle. */
const RESTRAINED_MS = 22_000;
/** As long as browsers take to slow the timers of a hidden page down. */
const SLOWED_MS = 12_000;
/** Longer than it takes a page that came back to vote again. */
const SETTLED_MS = 2_000;
/** Strokes that go to the hidden page at once. */
const BATCH = 500;
/** Strokes whose latency is measured, and the pause between them: three pages draw each of them with one processor. */
const [STROKES, PAUSE_MS] = [Number(process.env.COUNT ?? 100), 250];
/** Next to nothing to draw: what is measured is not how fast three pages share a processor for that. */
const TINY = { width: 160, height: 120 };
/** Frames of a board that is moved about. */
const FRAMES = 60;

const [STROKE] = strokes(0, 1);

export async function going(table) {
    table.heading("three pages, the leader's tab hidden by another tab");
    await hiddenLeader(table);
    await tidy();
    table.heading("three pages, every tab hidden");
    await table.measure("a stroke is decided on a majority after", everyTabHidden, many);
    await tidy();
    table.heading("three pages, the leader's tab killed");
    await table.measure("from the kill until the next stroke of another is settled", killedLeader, many);
    await tidy();
}

async function open(link, browser) {
    return Page.open(browser ?? (await chromium()), link, { viewport: TINY });
}

/** Three pages in browsers of their own, all voters. */
async function room() {
    const host = await Host.start();
    const pages = [await open(host.url)];
    const [{ board }] = pages;
    const link = await board.link();
    for (let voters = 2; voters <= 3; voters++) {
        pages.push(await open(link));
        await board.wait("a voter more", (status) => status.voters.length === voters);
    }
    await complete(pages);
    return { pages, link };
}

/** Waits until all are linked and vote: what a frame showed last may be from before somebody fell silent. */
async function complete(pages) {
    await until("everybody", async () => {
        // A page that is not in the room yet has nothing to say.
        const standings = await Promise.all(pages.map(({ board }) => board.consensus().catch(() => undefined)));
        return standings.every((standing) => {
            if (!standing?.leader || standing.leader !== standings[0].leader) return false;
            return standing.peers.length === pages.length - 1 && standing.voters.length === pages.length;
        });
    });
}

/** The page that leads, and the others. */
async function parted(pages) {
    const leader = await until("a leader", async () => {
        for (const page of pages) if ((await page.board.consensus()).role === "leader") return page;
    });
    return { leader, others: pages.filter((page) => page !== leader) };
}

async function hiddenLeader(table) {
    const { pages } = await room();
    const decided = async (page) => (await page.draw(STROKE, STROKES, PAUSE_MS)).map(({ decided }) => decided);
    const some = await parted(pages);
    const usual = await table.measure("a stroke of another, decided, before", () => decided(some.others[0]), latencies);
    let parts = some;
    const handOvers = async () => {
        const times = [];
        for (let round = 0; round < ROUNDS; round++) {
            if (round > 0) await show(parts.leader).then(() => sleep(RESTRAINED_MS));
            parts = await parted(pages);
            times.push(await handOver(parts));
        }
        return times;
    };
    await table.measure("another leader is known to both others after", handOvers, many);
    const { leader, others } = parts;
    const [other] = others;
    const meanwhile = await table.measure("a stroke of another, decided, meanwhile", () => decided(other), latencies);
    table.ratio("meanwhile / before", meanwhile, usual);
    let seen;
    const caughtUp = async () => (seen = await catchUp(leader, other));
    const words = ({ seconds, time }) => ({ words: `${ms(time)}, having been hidden for ${seconds} s`, value: time });
    await table.measure(`shown again ${ENTRIES} strokes behind: as the others after`, caughtUp, words);
    table.row("the longest frame meanwhile", seen ? ms(Math.max(...seen.frames)) : "not measured");
    const moved = () => leader.pan(FRAMES);
    await table.measure("the longest frame of that board, moved about", moved, (all) => ({ words: ms(Math.max(...all)) }));
}

/** Hides the leader's tab; from then, until both others know of another leader. */
async function handOver({ leader, others }) {
    const { node } = await leader.board.consensus();
    for (const { page } of others) await page.evaluate(watchLeader, node);
    await leader.page.evaluate(() => {
        document.addEventListener("visibilitychange", () => (window.hiddenAt = Date.now()), { once: true });
    });
    leader.front = await leader.board.hide();
    const hiddenAt = await leader.page.evaluate(() => window.hiddenAt);
    const learned = await Promise.all(others.map(({ page }) => page.evaluate(() => window.learned)));
    if (Math.min(...learned) < hiddenAt) throw new Error("another page led before the leader's was hidden");
    return Math.max(...learned) - hiddenAt;
}

/** Shows a page again. */
async function show({ front, page }) {
    await front.close();
    await page.bringToFront();
}

/** Runs in a page, and notes when it learns of another leader. */
function watchLeader(former) {
    window.learned = new Promise((resolve) => {
        const look = setInterval(() => {
            const { leader } = JSON.parse(window.whiteboard.status());
            if (!leader || leader === former) return;
            clearInterval(look);
            resolve(Date.now());
        }, 4);
    });
}

/** Draws much while a page is hidden, and shows it again. */
async function catchUp(hidden, { board }) {
    const hiddenAt = await hidden.page.evaluate(() => window.hiddenAt);
    for (let drawn = 0; drawn < ENTRIES; drawn += BATCH) {
        await board.draw(strokes(1, Math.min(BATCH, ENTRIES - drawn)));
        await board.wait("them to be decided", (status) => status.pending === 0);
    }
    await sleep(HIDDEN_MS);
    const { digest } = await board.status();
    await hidden.page.evaluate(watchFrames, digest);
    const seconds = Math.round((Date.now() - hiddenAt) / 1000);
    await show(hidden);
    return { seconds, ...(await hidden.page.evaluate(() => window.caughtUp)) };
}

/** Runs in a hidden page: from when it is shown, its frames until it shows a certain board. */
function watchFrames(digest) {
    window.caughtUp = new Promise((resolve) => {
        const frames = [];
        document.addEventListener("visibilitychange", () => {
            const shown = performance.now();
            let last = shown;
            const frame = () => {
                const now = performance.now();
                frames.push(now - last);
                last = now;
                const status = JSON.parse(document.documentElement.dataset.status);
                if (status.digest === digest) resolve({ time: now - shown, frames });
                else requestAnimationFrame(frame);
            };
            requestAnimationFrame(frame);
        }, { once: true });
    });
}

async function everyTabHidden() {
    const { pages } = await room();
    const boards = pages.map(({ board }) => board);
    for (const board of boards) await board.hide();
    // Leaders that hand over put an entry into the log, too.
    await sleep(SLOWED_MS);
    const commits = async () => (await Promise.all(boards.map((board) => board.consensus()))).map(({ commit }) => commit);
    const times = [];
    for (let round = 0; round < ROUNDS; round++) {
        const before = Math.max(...(await commits()));
        const began = performance.now();
        await boards[round % boards.length].draw([STROKE]);
        await until("a majority to have it", async () => (await commits()).filter((commit) => commit > before).length >= 2);
        times.push(performance.now() - began);
    }
    return times;
}

async function killedLeader() {
    const { pages, link } = await room();
    const times = [];
    for (let round = 0; round < ROUNDS; round++) {
        const { leader, others } = await parted(pages);
        const began = performance.now();
        await crash(leader.page);
        await others[0].draw(STROKE, 1, 0);
        times.push(performance.now() - began);
        const context = leader.page.browserContext();
        await leader.page.close();
        pages[pages.indexOf(leader)] = await open(link, context);
        await complete(pages);
        // Whoever came back late is about to lose its vote for a moment; without it the other two could not lose one.
        await sleep(SETTLED_MS);
        await complete(pages);
    }
    return times;
}

function sleep(time) {
    return new Promise((resolve) => setTimeout(resolve, time));
}

function ms(time) {
    return `${Math.round(time)} ms`;
}

/** Milliseconds: the median, which is what is compared, and all. */
function many(values) {
    const median = percentile(values, 50);
    return { words: `median ${ms(median)}   all ${values.map(Math.round).join(" ")}`, value: median };
}
