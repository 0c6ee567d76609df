import { chromium } from "playwright-core"; import {readFileSync} from "node:fs";
const axe=readFileSync("node_modules/axe-core/axe.min.js","utf8");
const b=await chromium.launch({executablePath:"/usr/bin/chromium",args:["--no-sandbox"]});
for (const scheme of ["light","dark"]) { const c=await b.newContext({locale:"en-GB",colorScheme:scheme});
for (const v of ["overview","price","map","quality","models","stream"]) {
 const p=await c.newPage(); await p.setViewportSize({width:scheme==="light"?1280:390,height:900});
 await p.goto("http://127.0.0.1:8090/#/"+v); await p.waitForTimeout(2500);
 if(v==="price"){await p.click(".price-form button.quiet");await p.waitForTimeout(2500);}
 await p.evaluate(axe);
 const f=await p.evaluate(async()=>(await window.axe.run(document,{resultTypes:["violations"]})).violations.map(o=>[o.impact,o.id,o.nodes.length,o.nodes.slice(0,3).map(n=>n.html.slice(0,140)+" | "+(n.failureSummary||"").slice(0,260))]));
 console.log(scheme,v,JSON.stringify(f,null,1)); await p.screenshot({path:`/tmp/dash-data/${v}-${scheme}.png`}); await p.close();
}}
await b.close();
