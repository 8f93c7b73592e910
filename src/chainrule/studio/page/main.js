// The studio's page: what the server says is kept in one store, each part draws itself from it.

import { Api } from "./api.js";
import { followHash, readHash } from "./hash.js";
import { NotebookLine } from "./lines/notebook.js";
import { RecordedLine } from "./lines/recorded.js";
import { ServerLine } from "./lines/server.js";
import { h } from "./make.js";
import { definePart } from "./part.js";
import { Player } from "./player.js";
import { Store } from "./store.js";
import { buildAbout } from "./parts/about.js";
import { buildBar, buildNotices } from "./parts/bar.js";
import { buildBranch } from "./parts/branch.js";
import { buildColors } from "./parts/colors.js";
import { buildCurves } from "./parts/curves.js";
import { buildData } from "./parts/data.js";
import { holdOnPointing } from "./parts/hold.js";
import { buildDoctor } from "./parts/doctor.js";
import { buildHill } from "./parts/hill.js";
import { buildInspector } from "./parts/inspector.js";
import { listenToKeys } from "./parts/keys.js";
import { buildLesson } from "./parts/lesson.js";
import { followLight } from "./parts/light.js";
import { buildNet } from "./parts/net.js";
import { buildPanels } from "./parts/panels.js";
import { buildPlane } from "./parts/plane.js";
import { buildOffer } from "./parts/question.js";
import { buildReadings, buildRow } from "./parts/row.js";
import { buildRuns } from "./parts/runs.js";
import { buildSettings } from "./parts/settings.js";
import { buildStage } from "./parts/stage.js";
import { buildTimeline } from "./parts/timeline.js";
import { buildTransport } from "./parts/transport.js";

const store = new Store();
const kept = document.getElementById("recording");
const line = kept ? new RecordedLine(kept.textContent ?? "") : document.getElementById("notebook") ? new NotebookLine() : new ServerLine();
const api = new Api(store, line);
const studio = { store, api, player: new Player() };
const help = listenToKeys(studio);
const { code, words } = readHash();

definePart("cr-notices", studio, buildNotices);
definePart("cr-branch", studio, buildBranch);
definePart("cr-bar", studio, (element) => buildBar(element, { ...studio, help }));
definePart("cr-colors", studio, buildColors);
definePart("cr-net", studio, buildNet);
definePart("cr-readings", studio, buildReadings);
definePart("cr-about", studio, buildAbout);
definePart("cr-row", studio, buildRow);
definePart("cr-lesson", studio, buildLesson);
definePart("cr-offer", studio, buildOffer);
definePart("cr-stage", studio, buildStage);
definePart("cr-inspector", studio, buildInspector);
definePart("cr-panels", studio, buildPanels);
definePart("cr-curves", studio, buildCurves);
definePart("cr-doctor", studio, buildDoctor);
definePart("cr-plane", studio, buildPlane);
definePart("cr-hill", studio, buildHill);
definePart("cr-runs", studio, buildRuns);
definePart("cr-settings", studio, buildSettings);
definePart("cr-data", studio, buildData);
definePart("cr-timeline", studio, buildTimeline);
definePart("cr-transport", studio, buildTransport);

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
followLight(main, studio);
const held = h("p", { class: "held-words", hidden: true, role: "status" }, "held while you point");
document.querySelector(".transport")?.append(held);
const places = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("cr-net, cr-stage")]);
holdOnPointing(places, studio, (on) => held.toggleAttribute("hidden", !on));
if (line.addressed) followHash(store, api, words);
store.listen((changed) => {
  // Only at first: what is hidden loses the focus, and another network comes with its frame at once.
  if (changed.has("frame") && store.state.frame) document.body.classList.remove("waiting");
  if (changed.has("problem")) document.body.classList.toggle("refused", store.state.problem !== null);
});
api.open(code);
