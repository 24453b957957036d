// @ts-check
/** What runs first: Python starts at once, in its worker, while the page's own modules are still being loaded. */
import { PythonWorker } from "./workers.js";

const worker = new PythonWorker();
const { openPage } = await import("./page.js");
openPage(worker);
