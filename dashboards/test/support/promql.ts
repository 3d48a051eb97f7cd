// What a PromQL expression asks for, by Prometheus' own grammar. Pure.

import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";

/** One condition on a label. */
export interface LabelMatcher {
  readonly label: string;
  readonly operator: string;
  /** The text between the quotes. */
  readonly value: string;
}

/** One vector selector of an expression. */
export interface Selector {
  /** As it stands there, without a range. */
  readonly text: string;
  readonly metric: string;
  readonly matchers: readonly LabelMatcher[];
  /** The function that is applied to it directly, as `rate` in `rate(x[5m])`. */
  readonly appliedFunction: string | undefined;
}

/** Labels that an aggregation or a matching names, and the selectors they must come from. */
export interface Grouping {
  readonly labels: readonly string[];
  readonly selectors: readonly Selector[];
}

/** An expression taken apart. */
export interface Parsed {
  readonly selectors: readonly Selector[];
  readonly groupings: readonly Grouping[];
}

/** Takes an expression apart. Throws where it is not PromQL. */
export function parsePromql(expr: string): Parsed {
  const top = parser.parse(expr).topNode;
  const broken = all(top, (node) => node.type.isError)[0];
  if (broken) throw new SyntaxError(`not PromQL at ${broken.from}: ${expr}`);
  const selectorsIn = (node: SyntaxNode): Selector[] =>
    all(node, ({ name }) => name === "VectorSelector").map((each) => selectorOf(each, expr));
  const groupings = all(top, ({ name }) => name === "GroupingLabels").map((node) => {
    const owner = node.parent?.parent ?? top;
    const labels = all(node, ({ name }) => name === "LabelName").map((label) => textOf(label, expr));
    return { labels, selectors: selectorsIn(owner) };
  });
  return { selectors: selectorsIn(top), groupings };
}

function selectorOf(node: SyntaxNode, expr: string): Selector {
  const identifier = node.getChild("Identifier");
  if (!identifier) throw new SyntaxError(`a selector without a metric's name: ${textOf(node, expr)}`);
  const matchers = all(node, ({ name }) => name === "UnquotedLabelMatcher").map((matcher) => {
    const [label, operator, value] = ["LabelName", "MatchOp", "StringLiteral"].map((name) => {
      const child = matcher.getChild(name);
      if (!child) throw new SyntaxError(`not understood: ${textOf(matcher, expr)}`);
      return textOf(child, expr);
    });
    return { label: label!, operator: operator!, value: value!.slice(1, -1) };
  });
  return {
    text: textOf(node, expr),
    metric: textOf(identifier, expr),
    matchers,
    appliedFunction: appliedFunction(node, expr),
  };
}

function appliedFunction(node: SyntaxNode, expr: string): string | undefined {
  const range = node.parent?.name === "MatrixSelector" ? node.parent : node;
  const call = range.parent?.name === "FunctionCallBody" ? range.parent.parent : null;
  const name = call?.getChild("FunctionIdentifier");
  return name ? textOf(name, expr) : undefined;
}

function all(node: SyntaxNode, is: (node: SyntaxNode) => boolean): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  node.cursor().iterate((each) => {
    if (is(each.node)) found.push(each.node);
  });
  return found;
}

function textOf(node: SyntaxNode, expr: string): string {
  return expr.slice(node.from, node.to);
}
