// Bun runs this. What it does is in notion.py, so that most tests need no Bun.
import ms from "ms";

const script = `${import.meta.dir}/../notion.py`;
const done = Bun.spawnSync(["python", script, "notion-fetch-all", ...Bun.argv.slice(2)], {
  stdio: ["ignore", "inherit", "inherit"],
  timeout: ms("1m"),
});
process.exit(done.exitCode ?? 1);
