/** The engine with a fault: something throws, or rejects, where nobody catches it. For `crash.test.ts`. */
const [first] = process.argv.slice(2);
const fault = new Error("a fault of the engine", { cause: new Error("and its cause") });
if (first === "serve") {
  setInterval(() => {
    if (process.env["FAULT"] === "throw") throw fault;
    void Promise.reject(fault);
  }, Number(process.env["AFTER_MS"]));
}
await import("../../../core/main.ts");

export {};
