/** Small devices are asked for less, and what a person has set counts. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { devicePlan } from "../../web/page/device.js";
import { MEMORY_TIERS_BYTES, MUSCLES_MAX } from "../../web/shared/layout.gen.js";

const [LARGE, MIDDLE, SMALL] = MEMORY_TIERS_BYTES;
const desk = { isMobile: false, memoryGiB: 8, cores: 8 };

const CASES = /** @type {const} */ ([
  ["a desk's", desk, {}, [LARGE, MIDDLE, SMALL], 7],
  ["one that does not say what it has", { isMobile: false, cores: 4 }, {}, [LARGE, MIDDLE, SMALL], 3],
  ["a phone", { isMobile: true, memoryGiB: 8, cores: 8 }, {}, [MIDDLE, SMALL], 2],
  ["a small one", { isMobile: false, memoryGiB: 2, cores: 4 }, {}, [MIDDLE, SMALL], 2],
  ["a tiny one", { isMobile: true, memoryGiB: 0.5, cores: 4 }, {}, [SMALL], 1],
  ["one core", { isMobile: false, cores: 1 }, {}, [LARGE, MIDDLE, SMALL], 1],
  ["more cores than there are muscles", { isMobile: false, cores: 64 }, {}, [LARGE, MIDDLE, SMALL], MUSCLES_MAX],
  ["a wish for less", desk, { memoryMiB: 64, muscles: 1 }, [SMALL], 1],
  ["a wish for more on a phone", { isMobile: true, cores: 8 }, { memoryMiB: 256, muscles: 6 }, MEMORY_TIERS_BYTES, 6],
  ["wishes between the tiers", desk, { memoryMiB: 200, muscles: 99 }, [MIDDLE, SMALL], MUSCLES_MAX],
  ["a wish for next to nothing", desk, { memoryMiB: 1, muscles: 0 }, [SMALL], 7],
]);

for (const [what, device, wishes, tiersBytes, muscles] of CASES) {
  test(what, () => assert.deepEqual(devicePlan(device, wishes), { tiersBytes: [...tiersBytes], muscles }));
}
