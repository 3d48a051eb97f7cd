// The table of settings for people: `--help`, and the region in README.md. Pure.
import { checkArg, configFileArg, configFileEnv, settingList, versionArg } from "./names.ts";
import type { NamedSetting } from "./names.ts";

const width = 100;

/** The answer to `--help`. */
export function helpText(): string {
  const head = [
    "Settings, in rising priority: defaults, JSON file, environment, arguments.",
    "",
    `  ${configFileArg} <file>   ${configFileEnv}\n      The JSON file; its keys are the groups and names below.`,
    `  ${checkArg}\n      Says what is wrong in the settings and the files they name, and starts nothing.`,
    `  --help, ${versionArg}`,
  ];
  return `${[...head, ...byGroup().map(([group, members]) => helpGroup(group, members))].join("\n")}\n`;
}

/** The table for README.md: one section per group. */
export function markdownTable(): string {
  return byGroup()
    .map(([group, members]) => {
      const rows = members.map((named) => `| ${markdownRow(named).map(escapeCell).join(" | ")} |`);
      return [
        `### ${group}`,
        "",
        "| setting | default | allowed | meaning | why this default |",
        "|---|---|---|---|---|",
        ...rows,
      ].join("\n");
    })
    .join("\n\n");
}

function helpGroup(group: string, members: readonly NamedSetting[]): string {
  return [`\n${group}`, ...members.map(helpEntry)].join("\n");
}

function helpEntry({ arg, env, setting }: NamedSetting): string {
  const lines = [
    setting.doc,
    `Default ${showDefault(setting.default)}; allowed is ${setting.allowed}.`,
    ...(setting.why === undefined ? [] : [`Why: ${setting.why}`]),
  ];
  return [
    `  ${arg}   ${env}`,
    ...lines.flatMap((line) => wrap(line, width - 6)).map((line) => `      ${line}`),
  ].join("\n");
}

function markdownRow({ path, setting }: NamedSetting): readonly string[] {
  return [`\`${path}\``, code(showDefault(setting.default)), setting.allowed, setting.doc, setting.why ?? ""];
}

function showDefault(value: unknown): string {
  if (value === undefined) return "none";
  return Array.isArray(value) ? value.join(",") : typeof value === "string" ? value : JSON.stringify(value);
}

function code(text: string): string {
  return text === "none" ? text : `\`${text}\``;
}

function escapeCell(cell: string): string {
  return cell.replaceAll("|", "\\|");
}

function byGroup(): readonly (readonly [string, readonly NamedSetting[]])[] {
  const groups = [...new Set(settingList.map(({ group }) => group))];
  return groups.map((group) => [group, settingList.filter((named) => named.group === group)]);
}

function wrap(text: string, columns: number): readonly string[] {
  return text.split(" ").reduce<readonly string[]>((lines, word) => {
    const last = lines.at(-1);
    const joined = last === undefined ? word : `${last} ${word}`;
    return joined.length <= columns ? [...lines.slice(0, -1), joined] : [...lines, word];
  }, []);
}
