// Compresses files ahead of time, by Node's own zlib.
//
//     node compress.mjs LIST
//
// LIST is a JSON file: [{"source": "…", "target": "…", "format": "br" | "gz"}, …].
import { readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

// Above it, the best quality takes minutes; the next best takes seconds and a tenth more room.
const LARGE = 2 << 20;
const HUGE = 16 << 20;
const SIDE_BY_SIDE = 4;

function compress(bytes, format) {
  if (format === "gz") return promisify(gzip)(bytes, { level: 9 });
  return promisify(brotliCompress)(bytes, { params: {
    [constants.BROTLI_PARAM_QUALITY]: bytes.length > HUGE ? 9 : bytes.length > LARGE ? 10 : 11,
    // The widest window that every browser takes; on smaller files it only costs (measured).
    [constants.BROTLI_PARAM_LGWIN]: bytes.length > HUGE ? 24 : 22,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  } });
}

const jobs = JSON.parse(readFileSync(process.argv[2], "utf8"));
async function work() {
  for (let job = jobs.shift(); job; job = jobs.shift()) {
    writeFileSync(job.target, await compress(readFileSync(job.source), job.format));
  }
}
await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
