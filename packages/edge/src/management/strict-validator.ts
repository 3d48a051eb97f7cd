// Validates requests against their TypeBox shapes. Pure.
//
// V1. A body is never changed: no field is dropped, no text becomes a number.
// V2. In a query, which is all text, decimal digits become the integer that the shape asks for; 1.5 and 1e3 do not.

import type { FastifySchemaCompiler } from "fastify";
import { TypeBoxValidatorCompiler } from "@fastify/type-provider-typebox";
import type { TSchema } from "typebox";

/** Compiles one shape for Fastify. */
export const strictValidator: FastifySchemaCompiler<TSchema> = (route) => {
  // The provider's own conversion, which it spares the body, truncates 1.5 to 1.
  const validate = TypeBoxValidatorCompiler({ ...route, httpPart: "body" });
  if (route.httpPart !== "querystring") return validate; // V1
  const integers = integerNames(route.schema);
  return (query: unknown) => validate(withIntegers(query, integers)); // V2
};

function integerNames(schema: object): ReadonlySet<string> {
  const properties = "properties" in schema ? (schema.properties as Record<string, { type?: string }>) : {};
  return new Set(Object.keys(properties).filter((name) => properties[name]?.type === "integer"));
}

function withIntegers(query: unknown, names: ReadonlySet<string>): unknown {
  if (typeof query !== "object" || query === null) return query;
  return Object.fromEntries(
    Object.entries(query).map(([name, value]: [string, unknown]) => {
      const isInteger = names.has(name) && typeof value === "string" && /^\d{1,15}$/.test(value);
      return [name, isInteger ? Number(value) : value];
    }),
  );
}
