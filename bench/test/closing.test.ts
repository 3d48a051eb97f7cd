import { expect, test } from "vitest";

import { closing } from "../src/system/closing.ts";

/** Work that fails when it is stopped, as what is asked of a process does when that is ended. */
function stoppable(): { readonly work: Promise<never>; stop(): Promise<void> } {
  let end: (error: Error) => void = () => undefined;
  const work = new Promise<never>((_, reject) => (end = reject));
  return { work, stop: () => Promise.resolve(end(new Error("it was ended"))) };
}

test("what goes on beside the body and is ended by the closing does not fail the run", async () => {
  const result = closing((owner) => {
    owner.beside(owner.own(stoppable()).work);
    return Promise.resolve("found");
  });
  await expect(result).resolves.toBe("found");
});

test("what fails beside the body before the closing fails the run", async () => {
  const result = closing(async (owner) => {
    owner.beside(Promise.reject(new Error("a bug")));
    await Promise.resolve();
    return "found";
  });
  await expect(result).rejects.toThrow("a bug");
});

test("how the body failed is not covered up by what it left behind", async () => {
  const result = closing((owner) => {
    owner.beside(owner.own(stoppable()).work);
    return Promise.reject(new Error("the reason"));
  });
  await expect(result).rejects.toThrow("the reason");
});
