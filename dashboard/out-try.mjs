import { chromium } from "playwright-core";
const b=await chromium.launch({executablePath:"/usr/bin/chromium",args:["--no-sandbox"]});
const c=await b.newContext({locale:"en-GB"});
for (const w of [1280,390]) for (const v of (process.argv[2]??"overview,price,map,quality,models,stream").split(",")) {
 const p=await c.newPage(); await p.setViewportSize({width:w,height:900});
 p.on("console",m=>m.type()==="error"&&console.log(v,w,m.text())); p.on("pageerror",e=>console.log(v,w,e.stack));
 await p.goto("http://127.0.0.1:8090/#/"+v); await p.waitForTimeout(v==="models"?2500:2500);
 if(v==="price"){await p.click(".price-form button.quiet");await p.waitForTimeout(2500);}
 console.log(v,w,await p.evaluate(()=>[document.documentElement.scrollWidth,innerWidth].join("/")));
 await p.screenshot({path:`/tmp/dash-data/${v}-${w}.png`,fullPage:true}); await p.close();
}
await b.close();
