import { afterEach, describe, expect, it } from "vitest";
import { newToken, raw, serve, type Served } from "./served.ts";

let served: Served;
afterEach(() => served.management.stop(500));

const reset = '{"action":"Reset","payload":{}}';
function request(method: string, target: string, body = ""): string {
  const fields = ["Host: a", "Connection: close", `Content-Length: ${String(body.length)}`];
  if (body !== "") fields.push("Content-Type: application/json");
  return [`${method} ${target} HTTP/1.1`, ...fields, "", body].join("\r\n");
}

describe("a request target in absolute form (RFC 9112 §3.2.2)", () => {
  it.each(["http://127.0.0.1:8080", "HTTP://a", "https://user@[::1]:1"])(
    "of %s means the charge point of its path: none that is called as a part of the URL",
    async (origin) => {
      served = await serve();
      await raw(served.port, request("POST", `${origin}/v1/charge-points/CP1/commands`, reset));
      await raw(served.port, request("DELETE", `${origin}/v1/charge-points/CP1/connection`));
      await raw(served.port, request("GET", `${origin}/v1/charge-points/CP1?a=/b`));
      expect(served.router.command.mock.calls.map(([{ identity }]) => identity)).toEqual(["CP1"]);
      expect(served.router.close.mock.calls).toEqual([["CP1"]]);
      expect(served.router.find.mock.calls).toEqual([["CP1"]]);
    },
  );

  it("asks for the token where the path does, and nowhere else", async () => {
    served = await serve({ token: newToken() });
    const statusOf = async (target: string): Promise<string> =>
      (await raw(served.port, request("GET", target))).slice(9, 12);
    expect(await statusOf("http://x/healthz")).toBe("200");
    expect(await statusOf("http://x/readyz?a")).toBe("200");
    for (const target of [
      "http://x/v1/edges",
      "http://x/",
      "http://x",
      "http://x?/healthz",
      "http://x/y/healthz",
      "other://x/healthz", // no URL of this server's: the router knows no such path
    ]) {
      expect([target, await statusOf(target)]).toEqual([target, "401"]);
    }
  });

  it("with a host that is none is refused, and the answer says so", async () => {
    served = await serve();
    const text = await raw(served.port, request("GET", "http://x:99999/healthz"));
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toContain("the URL's host is none");
  });
});
