/**
 * `npm run bench`: the engine against plain Bun, the floor and workerd, in one run; writes docs/benchmarks.md.
 * Sections can be named: `npm run bench throughput`. BENCH_ROUNDS and BENCH_SECONDS make it longer.
 */
import { writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { footprint, saves } from "./footprint.ts";
import { graphql } from "./graphql.ts";
import { latency, type Latency } from "./latency.ts";
import { mcp } from "./mcp.ts";
import { house, swapping } from "./house.ts";
import { KINDS, kills } from "./kills.ts";
import { hasWrk, HOW_TO_INSTALL } from "./load.ts";
import { benchPage, machine, printSection, type Row, type Section } from "./page.ts";
import { saving } from "./saves.ts";
import { startBare, startDressedFloor, startEngineFor, startFloor, startWorkerd, type Peer } from "./peers.ts";
import { cpuTimes, throughput, type Measured, type Pace } from "./throughput.ts";
import { soak, stuck } from "./soak.ts";
import type { WorkKind } from "./work.ts";

const PAGE = join(resolve(import.meta.dir, "../.."), "docs", "benchmarks.md");
const ENGINE = "aiwebengine";
const MIB = 1024 * 1024;
const PACE: Pace = {
  rounds: Number(process.env["BENCH_ROUNDS"] ?? 3),
  seconds: Number(process.env["BENCH_SECONDS"] ?? 2),
};
const CPU_SAMPLES = 200;
const SAVES = 1000;
const ORDER = JSON.stringify({ name: "chair", count: 4, tags: ["wood", "oak", "round"] });

const thousands = (n: number): string => `${(n / 1000).toFixed(1)} k req/s`;
const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;

function atLeast(what: string, value: number, bar: number, unit = ""): Row {
  return { what, measured: `${value.toFixed(2)}${unit}`, bar: `≥ ${bar}${unit}`, holds: value >= bar };
}

function atMost(what: string, value: number, bar: number, format: (n: number) => string): Row {
  return { what, measured: format(value), bar: `≤ ${format(bar)}`, holds: value <= bar };
}

function rpsRows(label: string, all: readonly Measured[], bars: Readonly<Record<string, number>>): readonly Row[] {
  const engine = all.find((one) => one.peer === ENGINE);
  if (engine === undefined) throw new Error("the engine was not measured");
  const rows: Row[] = all.map((one) => ({
    what: `${label}: ${one.peer}`,
    measured: `${thousands(one.rps)}, p50 ${one.p50Ms.toFixed(2)} ms, p99 ${one.p99Ms.toFixed(2)} ms, CPU ${one.cpuUs.toFixed(0)} µs each`,
    ...(one.peer === ENGINE ? { bar: "no failed request", holds: one.failed === 0 } : {}),
  }));
  for (const [peer, bar] of Object.entries(bars)) {
    const other = all.find((one) => one.peer === peer);
    if (other !== undefined) rows.push(atLeast(`${label}: against ${peer}`, engine.rps / other.rps, bar));
  }
  return rows;
}

function p99Row(label: string, all: readonly Measured[]): Row {
  const of = (name: string): number => all.find((one) => one.peer === name)?.p99Ms ?? 0;
  return atMost(`${label}: p99 against Bun.serve`, of(ENGINE) / of("Bun.serve"), 6, (n) => `${n.toFixed(1)} ×`);
}

async function throughputSection(): Promise<Section> {
  const peers: Peer[] = [];
  try {
    for (const start of [startBare, startFloor, startDressedFloor, startWorkerd, () => startEngineFor()])
      peers.push(await start());
    const rows: Row[] = [];
    for (const connections of [32, 64]) {
      const label = `hello, ${connections} connections`;
      const all = await throughput(peers, "/hello", PACE, { connections });
      rows.push(
        ...rpsRows(label, all, { "Bun.serve": 0.35, floor: 0.75, "dressed floor": 0.75, workerd: 3 }),
        p99Row(label, all),
      );
    }
    const others = peers.filter((peer) => !peer.name.includes("floor"));
    const engine = peers.filter((peer) => peer.name === ENGINE);
    const touched = await throughput(engine, "/touched", PACE, { connections: 32 });
    rows.push(...rpsRows("hello with `request` touched, 32 connections", touched, {}));
    const json = { connections: 32, body: ORDER, contentType: "application/json" };
    rows.push(
      ...rpsRows("JSON in, validated, JSON out", await throughput(others, "/order", PACE, json), {
        "Bun.serve": 0.3,
        workerd: 3,
      }),
    );
    const echo = async (size: string, bytes: number, bar: number): Promise<void> => {
      const all = await throughput(others, "/echo", PACE, { connections: 8, body: "x".repeat(bytes) });
      rows.push(...rpsRows(`echo of ${size}, 8 connections`, all, { "Bun.serve": bar }));
    };
    await echo("16 KiB", 16 * 1024, 0.2);
    await echo("1 MiB", MIB, 0.3);
    return { title: "Throughput and latency", rows };
  } finally {
    for (const peer of peers) await peer.stop();
  }
}

async function latencySection(): Promise<Section> {
  const it = await latency(PACE);
  const ms = (n: number): string => `${n.toFixed(2)} ms`;
  const both = ({ p50, p99 }: Latency): string => `p50 ${ms(p50)}, p99 ${ms(p99)}`;
  return {
    title: "Latency at 5,000 requests a second",
    rows: [
      { what: "a plugin's route", measured: both(it.plugin) },
      { what: "the floor, a child beside it as well", measured: both(it.floor) },
      { what: "a script's", measured: both(it.script) },
      atMost("a script's, p50 beyond the plugin's", it.beyond.p50, 0.15, ms),
      atMost("a script's, p99 beyond the plugin's", it.beyond.p99, 1, ms),
      { what: "requests that were due while no connection was free", measured: `${it.late} of ${it.requests}` },
    ],
  };
}

async function cpuSection(): Promise<Section> {
  const bare = await startBare();
  const engine = await startEngineFor();
  try {
    const rows: Row[] = [];
    const label: Record<Exclude<WorkKind, "none">, string> = {
      fib: "fib(27), three times",
      json: "JSON of 1 MB there and back",
      sort: "sorting 100,000 strings",
    };
    for (const kind of Object.keys(label) as (keyof typeof label)[]) {
      const [plain = 0, scripted = 1] = await cpuTimes([bare, engine], kind, CPU_SAMPLES);
      rows.push({ what: label[kind], measured: `${scripted.toFixed(2)} ms, plain Bun ${plain.toFixed(2)} ms` });
      rows.push(atLeast(`${label[kind]}: speed against plain Bun`, plain / scripted, 0.95));
    }
    return { title: "Time inside a handler", rows };
  } finally {
    await bare.stop();
    await engine.stop();
  }
}

async function footprintSection(): Promise<Section> {
  const ms = (n: number): string => `${Math.round(n)} ms`;
  const it = await footprint(PACE.rounds + 2);
  const saved = await saves(51);
  return {
    title: "Starts and memory",
    rows: [
      atMost("start to first 200, 10 scripts, warm cache", it.startMs, 150, ms),
      atMost("start to first 200, 1,000 scripts, warm cache", it.startManyMs, 500, ms),
      { what: "PSS of all processes, ready with a warm spare, 10 scripts", measured: mib(it.readyPss) },
      atMost("PSS of all processes, idle (no call for isolates.idleMs), 10 scripts", it.idlePss, 50 * MIB, mib),
      atMost("PSS of all processes, after hello load", it.loadedPss, 120 * MIB, mib),
      atMost("private memory of a warm isolate", it.isolatePrivate, 6 * MIB, mib),
      atMost("1,000 cold scripts add", it.manyPss - it.idlePss, 20 * MIB, mib),
      { what: "save to served, p50 of 50", measured: ms(saved.p50Ms) },
      atMost("save to served, p95 of 50", saved.p95Ms, 150, ms),
    ],
  };
}

async function saveSection(): Promise<Section> {
  const it = await saving(SAVES);
  return {
    title: "Saving over and over",
    rows: [
      {
        what: "200 saves under load: failed requests",
        measured: `${it.failed} of ${it.requests}`,
        bar: "0",
        holds: it.failed === 0,
      },
      atMost(`${SAVES / 2} saves more after ${SAVES / 2}: the engine grows by`, it.growth, 4 * MIB, mib),
    ],
  };
}

async function killSection(): Promise<Section> {
  const rows: Row[] = [];
  for (const kind of KINDS) {
    const it = await kills(kind, PACE.rounds);
    rows.push({
      what: `${kind}: failed requests of the others`,
      measured: `${it.failed} (${it.kills} kills)`,
      bar: "0",
      holds: it.failed === 0 && it.kills > 0,
    });
    rows.push(atLeast(`${kind}: their throughput meanwhile`, it.meanwhile, 0.7));
    rows.push(atLeast(`${kind}: their throughput a second later`, it.afterwards, 0.95));
    if (it.lateMs !== null)
      rows.push(
        atMost(`${kind}: answered after \`uninterruptedMs\`, median`, it.lateMs, 100, (n) => `${Math.round(n)} ms`),
      );
    if (it.worstLateMs !== null)
      rows.push({ what: `${kind}: the same, worst`, measured: `${Math.round(it.worstLateMs)} ms` });
  }
  return { title: "While a third script misbehaves", rows };
}

async function houseSection(): Promise<Section> {
  const it = await house(PACE);
  const swaps = await swapping(SAVES);
  return {
    title: "Plugins",
    rows: [
      atLeast("hello with all first-party plugins, against access-log, health and kv alone", it.plugins, 0.9),
      atLeast("hello with the access log, against no plugin", it.log, 0.85),
      atLeast("hello with api-docs, graphql, mcp and streams unused, against without them", it.protocols, 0.95),
      atLeast("hello beside 1,000 routes, against 10", it.routes, 0.95),
      atMost("a plugin's route, p50 beyond plain Elysia's", it.routeUs, 20, (n) => `${Math.round(n)} µs`),
      {
        what: "200 swaps of a plugin under load: failed requests",
        measured: `${swaps.failed} of ${swaps.requests}`,
        bar: "0",
        holds: swaps.failed === 0,
      },
      atMost(`${SAVES / 2} swaps more after ${SAVES / 2}: the engine grows by`, swaps.growth, 4 * MIB, mib),
    ],
  };
}

async function graphqlSection(): Promise<Section> {
  const rows: Row[] = [];
  for (const [label, all] of Object.entries(await graphql(PACE)))
    rows.push(...rpsRows(label, all, { "graphql-yoga": 0.6 }));
  return { title: "GraphQL", rows };
}

async function mcpSection(): Promise<Section> {
  return { title: "MCP", rows: rpsRows("MCP, a call of a tool", await mcp(PACE), { "MCP SDK": 0.5 }) };
}

async function heldSection(): Promise<Section> {
  const it = await soak(SAVES);
  const slow = await stuck(30);
  return {
    title: "What clients hold open",
    rows: [
      {
        what: `${SAVES} saves: streams, WebSockets, subscriptions, generators and MCP sessions that broke`,
        measured: `${it.broken} of ${it.held}`,
        bar: "0",
        holds: it.broken === 0,
      },
      atMost(`${SAVES} saves: the engine grows from the third tenth to the last by`, it.growth, 8 * MIB, mib),
      { what: `${SAVES} saves: isolates left over`, measured: `${it.isolates}`, bar: "≤ 3", holds: it.isolates <= 3 },
      { what: `a broadcast to ${slow.clients} clients, median`, measured: `${slow.withoutMs.toFixed(1)} ms` },
      atMost(
        "the same with 1 % more who do not read, against without",
        slow.withMs / slow.withoutMs,
        1.5,
        (n) => `${n.toFixed(2)} ×`,
      ),
    ],
  };
}

const SECTIONS = {
  throughput: throughputSection,
  latency: latencySection,
  cpu: cpuSection,
  footprint: footprintSection,
  saves: saveSection,
  kills: killSection,
  plugins: houseSection,
  graphql: graphqlSection,
  mcp: mcpSection,
  held: heldSection,
} as const;
type Name = keyof typeof SECTIONS;

if (!hasWrk()) {
  console.log(`bench skipped: ${HOW_TO_INSTALL}`);
  process.exit(0);
}
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in SECTIONS));
if (unknown.length > 0) {
  console.error(`bench: no section ${unknown.join(", ")}; there are ${Object.keys(SECTIONS).join(", ")}.`);
  process.exit(2);
}
const [busy = 0] = loadavg();
console.log(`${machine()}, load average ${busy.toFixed(1)}`);
const sections: Section[] = [];
for (const name of Object.keys(SECTIONS) as Name[]) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const section = await SECTIONS[name]();
  printSection(section);
  sections.push(section);
}
if (asked.length === 0) {
  const notes = [
    `${PACE.rounds} rounds of ${PACE.seconds} s each.`,
    `Load average when it began: ${busy.toFixed(1)}. Above ${cpus().length / 2} the machine did other work as well, and the figures say less; processor time per request says most then.`,
  ];
  await writeFile(PAGE, benchPage(sections, notes));
}
