/** The engine with a fault: something throws, or rejects, where nobody catches it. For `crash.test.ts`. */
const [first] = process.argv.slice(2);
const fault = new Error("a fault of the engine", { cause: new Error("and its cause") });
const fail = (): void => {
  if (process.env["FAULT"]?.startsWith("throw")) throw fault;
  void Promise.reject(fault);
};
if (first === "serve") {
  if (process.env["FAULT"]?.endsWith("at start")) setInterval(fail, 1);
  process.on("SIGUSR2", () => setTimeout(fail, 0));
}
await import("../../../core/main.ts");
export {};
