// Creates statuses with Octokit, its retries and, if asked, its throttling: looks up, calls, notes.
import { Octokit } from "@octokit/core";
import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import { appendFileSync, existsSync, readFileSync } from "node:fs";

const [url, count, atOnce, marks, pace] = process.argv.slice(2);
const again = () => true;
const octokit = new (Octokit.plugin(retry, throttling))({
  auth: "token",
  baseUrl: url,
  log: { debug() {}, info() {}, warn() {}, error() {} },
  throttle: { enabled: pace === "paced", onRateLimit: again, onSecondaryRateLimit: again },
});
const done = new Set(existsSync(marks) ? readFileSync(marks, "utf8").split("\n") : []);
const left = [...Array(Number(count)).keys()].map((n) => `docs/${n}`).filter((context) => !done.has(context));
const [began, cpu] = [performance.now(), process.cpuUsage()];
let failed = 0;

async function share() {
  for (let context; (context = left.shift()); ) {
    try {
      const status = { owner: "acme", repo: "site", sha: "3f2a91c0".repeat(5), state: "success", context, description: "41 pages" };
      await octokit.request("POST /repos/{owner}/{repo}/statuses/{sha}", status);
      appendFileSync(marks, `${context}\n`);
    } catch {
      failed += 1;
    }
  }
}

await Promise.all(Array.from({ length: Number(atOnce) }, share));
const used = process.cpuUsage(cpu);
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000, cpu: (used.user + used.system) / 1e6, failed }));
process.exit(0);
