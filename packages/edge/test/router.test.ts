import { expect, test } from "vitest";
import { createRouter } from "../src/router.ts";
import { routeOf } from "./support/test-edge.ts";

const unused = routeOf(() => ({ kind: "result", payloadJson: "{}" }));
const byDefault = { ...unused, name: "default" };
const connects = { ...unused, name: "connect" };
const router = createRouter(
  new Map([
    ["$default", byDefault],
    ["$connect", connects],
  ]),
);

test.each(["Authorize", "VendorThing", "Boot Ä", "a.b", "...", "x".repeat(64)])(
  "%s goes to $default",
  (action) => {
    expect(router.route("1.6", action)).toBe(byDefault);
  },
);

// `$connect` would arrive as `cpg.connect`, the edge's own word; `..` would leave the URL that stands in the routes.
test.each(["$connect", "$disconnect", "$default", "$", ".", "..", "x".repeat(65), "x".repeat(100_000)])(
  "a charge point cannot send %s to $default: no backend sees it",
  (action) => {
    expect(router.route("1.6", action)).toBeUndefined();
  },
);

test("the edge's own events keep their routes", () => {
  expect(router.lifecycle("1.6", "$connect")).toBe(connects);
  expect(router.lifecycle("1.6", "$disconnect")).toBeUndefined();
});
