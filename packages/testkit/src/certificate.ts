// A certificate that signs itself, and its key: made anew, so that no key stands in the repository. X.509 version 1 in DER.

import { generateKeyPairSync, sign } from "node:crypto";

/** Both as PEM. */
export interface SelfSigned {
  readonly cert: string;
  readonly key: string;
}

/** P-256, for 2020 to 2049, of the name "test". */
export function selfSigned(): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
  const name = sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from("test")))));
  const validity = sequence(der(0x17, Buffer.from("200101000000Z")), der(0x17, Buffer.from("490101000000Z")));
  const subjectKey = publicKey.export({ type: "spki", format: "der" });
  const body = sequence(der(0x02, Buffer.of(1)), ecdsaWithSha256, name, validity, name, subjectKey);
  const signature = der(0x03, Buffer.of(0), sign("sha256", body, privateKey));
  const base64 = sequence(body, ecdsaWithSha256, signature)
    .toString("base64")
    .replace(/.{64}(?=.)/g, "$&\n");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const long = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...long), content]);
}
