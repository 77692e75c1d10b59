/** A test report as JUnit XML, which continuous integration reads: https://github.com/testmoapp/junitxml */
import { countsOf, fullName, type CaseResult, type FileResult, type TestReport } from "./result.ts";

/** What XML 1.0 cannot hold, not even escaped (https://www.w3.org/TR/xml/#charsets). */
const NO_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
const ENTITIES: { readonly [char: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\n": "&#10;",
  "\r": "&#13;",
  "\t": "&#9;",
};

function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(NO_XML, "\ufffd")
    .replace(/[&<>"'\n\r\t]/g, (char) => ENTITIES[char] as string);
}

function attributes(values: { readonly [name: string]: string | number }): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join("");
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function caseXml(one: CaseResult, file: string): string {
  const open = `    <testcase${attributes({ name: fullName(one), classname: file, file, time: seconds(one.ms) })}`;
  if (one.outcome === "passed") return `${open}/>`;
  if (one.outcome === "skipped") return `${open}><skipped/></testcase>`;
  const failures = one.failures.map(({ message, stack = "", frame = "", file: at, line }) => {
    const place = at === undefined ? "" : `${at}:${line}\n`;
    const [first = ""] = message.split("\n");
    return `<failure${attributes({ message: first })}>${escaped(`${place}${message}\n${frame}\n${stack}`)}</failure>`;
  });
  return `${open}>${failures.join("")}</testcase>`;
}

function fileXml({ file, cases, problems, ms }: FileResult): string {
  const path = `scripts/${file}`;
  const broken = problems.map(({ message, frame = "" }) => {
    const open = `    <testcase${attributes({ name: "loads", classname: path, file: path, time: "0.000" })}>`;
    return `${open}<error${attributes({ message })}>${escaped(frame)}</error></testcase>`;
  });
  const counts = {
    tests: cases.length + broken.length,
    failures: cases.filter(({ outcome }) => outcome === "failed").length,
    errors: broken.length,
    skipped: cases.filter(({ outcome }) => outcome === "skipped").length,
  };
  const rows = [...broken, ...cases.map((one) => caseXml(one, path))];
  return `  <testsuite${attributes({ name: path, ...counts, time: seconds(ms) })}>\n${rows.join("\n")}\n  </testsuite>`;
}

export function junitXml(report: TestReport): string {
  const { passed, failed, skipped } = countsOf(report);
  const head = attributes({ tests: passed + failed + skipped, failures: failed, skipped, time: seconds(report.ms) });
  const suites = report.files.map(fileXml).join("\n");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${head}>\n${suites}\n</testsuites>\n`;
}
