// The bell that wakes a sleeping app, in real browsers.

import { after, test } from "node:test";
import { Host, Story, chromium, firefox, tidy, until } from "./lab.mjs";

after(tidy);

const FRAMES = 100;

for (const [name, launch] of Object.entries({ chromium, firefox })) {
    test(`${name}: an app whose own frame rings its bell wakes again`, async () => {
        const host = await Host.start();
        const story = await Story.begin(await launch(), host.url, "bell");
        await until(`${FRAMES} frames`, async () => Number(await story.tells("frames")) >= FRAMES);
    });
}
