// Pages that are measured, and what runs inside them.

import { Board, until } from "../../tests/browser/lab.mjs";

/** What people have in front of them. */
export const LARGE = { width: 1280, height: 800 };
/** Where frames are not what is measured: machines that measure draw them with their processor. */
const SMALL = { width: 480, height: 320 };

/** What one call into a page does at most: strokes that are waited for, and frames. */
const [STROKES_AT_ONCE, FRAMES_AT_ONCE] = [5, 60];

/** Opens a page of the host's folder in a browser or a context. */
export class Page {
    static async open(browser, url, { name = "whiteboard", viewport = SMALL, prepare } = {}) {
        const page = await browser.newPage();
        const opened = new Page(page);
        await page.setViewport(viewport);
        await page.evaluateOnNewDocument(watch);
        prepare?.(page);
        const [path, hash = ""] = url.split("#");
        const response = await page.goto(`${new URL(`/${name}/`, path)}?status-json${hash && `#${hash}`}`);
        if (response.status() >= 400) throw new Error(`there is no page ${name} in the folder of QUORUM_PAGES`);
        return opened;
    }

    constructor(page) {
        this.board = new Board(page);
        this.page = page;
    }

    /** When the app said that it had drawn, in milliseconds after the navigation. */
    usable() {
        const look = () => {
            const card = document.getElementById("failure");
            if (card && !card.hidden) throw new Error(card.innerText);
            return window.bench.usable;
        };
        return until("the first frame", () => this.page.evaluate(look), () => this.board.said.join(" "));
    }

    /** When so many strokes were on the board, in milliseconds after the navigation. */
    async filled(strokes) {
        await this.page.evaluate((strokes) => (window.bench.wanted = strokes), strokes);
        return until(`${strokes} strokes`, () => this.page.evaluate(() => window.bench.filled));
    }

    /** Draws strokes one after the other; for each, when it was decided and when it was settled, in milliseconds. */
    async draw(stroke, count, pauseMs) {
        await until("a script's way in", () => this.page.evaluate(() => Boolean(window.whiteboard)));
        const some = (json, count, pauseMs) => window.bench.draw(json, count, pauseMs);
        const json = JSON.stringify([stroke]);
        return inSlices(count, STROKES_AT_ONCE, (count) => this.page.evaluate(some, json, count, pauseMs));
    }

    /** Draws with the mouse; for each stroke the same, after the release. */
    async drawByHand(count, pauseMs) {
        const { page } = this;
        const all = [];
        for (let number = 0; number < count; number++) {
            // Where no panel is, in a small window either.
            const top = 150 + (number % 10) * 15;
            const taken = page.evaluate(() => window.bench.released());
            await page.mouse.move(40, top);
            await page.mouse.down();
            for (let step = 1; step < 6; step++) await page.mouse.move(40 + step * 15, top + step);
            await page.mouse.up();
            all.push(await taken);
            await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
        return all;
    }

    /** Moves the board up and down by the wheel; the times between frames, in milliseconds. */
    pan(frames) {
        const some = (frames) => window.bench.pan(frames);
        return inSlices(frames, FRAMES_AT_ONCE, (frames) => this.page.evaluate(some, frames));
    }
}

/** A call into a page has a time limit of its own, so a long one is made as several. */
async function inSlices(count, slice, call) {
    const all = [];
    while (all.length < count) all.push(...(await call(Math.min(slice, count - all.length))));
    return all;
}

/** Runs in the page before anything else, and notes what happens there by the page's own clock. */
function watch() {
    const bench = (window.bench = { draw, released, pan });
    const standing = () => JSON.parse(window.whiteboard.status());
    const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

    // The app takes its page's cover away once it has drawn.
    let given;
    Object.defineProperty(window, "quorumPage", {
        get: () => given,
        set: (page) => {
            const ready = () => {
                bench.usable ??= performance.now();
                page.ready();
            };
            given = Object.freeze({ ...page, ready });
        },
    });

    const filled = new Map();
    const look = () => {
        const { strokes } = JSON.parse(document.documentElement.dataset.status);
        if (!filled.has(strokes)) filled.set(strokes, performance.now());
    };
    new MutationObserver(look).observe(document, { subtree: true, attributeFilter: ["data-status"] });
    Object.defineProperty(bench, "filled", { get: () => filled.get(bench.wanted) });

    async function settled(commit, since) {
        const told = {};
        for (;;) {
            const status = standing();
            if (status.commit > commit) told.decided ??= performance.now() - since;
            if (told.decided !== undefined && status.pending === 0) {
                return { ...told, settled: performance.now() - since, leads: status.role === "leader" };
            }
            // Timers wait for 4 ms; what doesn't would take a core from those who are waited for.
            await pause(0);
        }
    }

    async function draw(json, count, pauseMs) {
        const all = [];
        for (let number = 0; number < count; number++) {
            const { commit } = standing();
            const since = performance.now();
            window.whiteboard.draw(json);
            all.push(await settled(commit, since));
            await pause(pauseMs);
        }
        return all;
    }

    async function released() {
        const { commit } = standing();
        const since = await new Promise((resolve) => {
            addEventListener("pointerup", () => resolve(performance.now()), { capture: true, once: true });
        });
        return settled(commit, since);
    }

    async function pan(frames) {
        const canvas = document.getElementById("board");
        const [clientX, clientY] = [innerWidth / 2, innerHeight / 2];
        const all = [];
        let before = await new Promise(requestAnimationFrame);
        for (let frame = 0; frame < frames; frame++) {
            // There and back again.
            const deltaY = frame < frames / 2 ? 12 : -12;
            const turned = { deltaY, clientX, clientY, bubbles: true, cancelable: true };
            canvas.dispatchEvent(new WheelEvent("wheel", turned));
            const now = await new Promise(requestAnimationFrame);
            all.push(now - before);
            before = now;
        }
        return all;
    }
}
