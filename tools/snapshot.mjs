// Boots Python in Node, lets it import what the page uses, and writes its memory down.
//
//     node snapshot.mjs PYODIDE_FOLDER OUTPUT WHEEL…
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const LARGEST_BLOCK = 1 << 20;
const SMALLEST_BLOCK = 16;
const STACK_GUARD = 64;

/** Where the memory ends that Python ever asked for; bytes behind it are zero already. */
function endOfUse(module) {
  return module.HEAPU32[module._emscripten_get_sbrk_ptr() >>> 2];
}

/** What was freed is filled with zeros, and so is the stack: leftovers would be a fifth of every first visit's download. */
function wipeFreeMemory({ _module: module }) {
  module.HEAPU8.fill(0, module._emscripten_stack_get_end() + STACK_GUARD, module._emscripten_stack_get_current());
  const end = endOfUse(module);
  const taken = [];
  for (let size = LARGEST_BLOCK; size >= SMALLEST_BLOCK; size >>= 1) {
    for (;;) {
      const block = module._malloc(size);
      const isOld = block !== 0 && block + size <= end;
      if (!isOld) {
        if (block) module._free(block);
        break;
      }
      module.HEAPU8.fill(0, block, block + size);
      taken.push(block);
    }
  }
  for (const block of taken) module._free(block);
}

async function takeSnapshot(folder, wheels) {
  const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")).href);
  const pyodide = await loadPyodide({ indexURL: folder, _makeSnapshot: true });
  for (const wheel of wheels) pyodide.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
  // No proxy may be left, or it would be in the snapshot without its other half.
  pyodide.runPython("from sidestep.snapshots import prepare; prepare(); del prepare");
  wipeFreeMemory(pyodide);
  return pyodide.makeMemorySnapshot();
}

// An error of Pyodide's carries its whole source line, which is a megabyte.
const LONGEST = 2000;
try {
  const [folder, output, ...wheels] = process.argv.slice(2).map((path) => resolve(path));
  writeFileSync(output, await takeSnapshot(folder, wheels));
} catch (error) {
  console.error(String(error?.message ?? error).slice(-LONGEST));
  process.exit(1);
}
