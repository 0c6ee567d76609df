// Points on outlines of countries, which lie in the program: no tiles, nothing from the network.
import { geoMercator, geoPath } from "d3-geo";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { feature } from "topojson-client";
import { html } from "./ui.js";
import { number, t } from "./words.js";

let outlines = null;
const world = () => (outlines ??= fetch("assets/world.json").then((reply) => reply.json()).then((topology) => feature(topology, topology.objects.countries)));

const MOST = 64;
const KM_A_DEGREE = 111.32;

/** How far it is on the map, in round kilometres. */
function Scale({ projection, k, width, height }) {
  const [west, at] = projection.invert([0, height - 20]);
  const [east] = projection.invert([100 / k, height - 20]);
  const km = Math.abs(east - west) * KM_A_DEGREE * Math.cos((at * Math.PI) / 180);
  if (!Number.isFinite(km) || km <= 0) return null;
  const size = 10 ** Math.floor(Math.log10(km));
  const round = [5, 2, 1].find((one) => one * size <= km) * size;
  return html`<div class="scale" aria-hidden="true" style=${{ width: `${(100 * round) / km}px` }}>${number(round, 2)} ${t("km")}</div>`;
}

/** `points`: `{longitude, latitude, size, colour, text, kind, name}`. Zooms by wheel, keys and buttons. */
export function Places({ points, height = 460, text, onPick, onMove, picked }) {
  const place = useRef(null);
  const [width, setWidth] = useState(600);
  const [countries, setCountries] = useState(null);
  const [view, setView] = useState({ k: 1, x: 0, y: 0 });
  const drag = useRef(null);
  useEffect(() => {
    world().then(setCountries, () => setCountries({ type: "FeatureCollection", features: [] }));
    const fit = new ResizeObserver(() => place.current && setWidth(place.current.clientWidth || 600));
    fit.observe(place.current);
    return () => fit.disconnect();
  }, []);
  const extent = useRef(null);
  // The first points say what is looked at; more of them do not move the map.
  if (!onMove || !extent.current) extent.current = points.length ? points.map((one) => [one.longitude, one.latitude]) : null;
  const projection = useMemo(() => {
    const found = extent.current ?? [[-20, 60], [150, -20]];
    const longitudes = found.map(([one]) => one);
    const latitudes = found.map(([, one]) => one);
    const [west, east] = [Math.min(...longitudes), Math.max(...longitudes)];
    const [south, north] = [Math.min(...latitudes), Math.max(...latitudes)];
    const room = 0.005 + 0.02 * (east - west);
    const corners = { type: "MultiPoint", coordinates: [[west - room, Math.max(-84, south - room)], [east + room, Math.min(84, north + room)]] };
    // Turned so that what is looked at does not cross the map's edge, as the far east of Russia does.
    return geoMercator().rotate([-(west + east) / 2, 0]).fitExtent([[16, 16], [width - 16, height - 16]], corners);
  }, [width, height, JSON.stringify(extent.current?.length)]);
  const borders = useMemo(() => (countries ? geoPath(projection)(countries) : ""), [countries, projection]);
  const zoom = (factor, [px, py] = [width / 2, height / 2]) =>
    setView((before) => {
      const k = Math.min(MOST, Math.max(1, before.k * factor));
      const change = k / before.k;
      return k === 1 ? { k: 1, x: 0, y: 0 } : { k, x: px - (px - before.x) * change, y: py - (py - before.y) * change };
    });
  useEffect(() => {
    if (!onMove) return;
    const corner = (x, y) => projection.invert([(x - view.x) / view.k, (y - view.y) / view.k]);
    const [west, north] = corner(0, 0);
    const [east, south] = corner(width, height);
    onMove({ k: view.k, west, south, east, north, degrees: (east - west) / width });
  }, [view, projection]);
  const wheel = (event) => {
    if (!onMove || !(event.ctrlKey || event.metaKey || view.k > 1 || event.deltaY < 0)) return;
    event.preventDefault();
    const box = place.current.getBoundingClientRect();
    zoom(event.deltaY < 0 ? 1.25 : 0.8, [event.clientX - box.left, event.clientY - box.top]);
  };
  const down = (event) => {
    drag.current = { x: event.clientX - view.x, y: event.clientY - view.y };
  };
  const move = (event) => {
    if (drag.current && event.buttons && view.k > 1) setView((before) => ({ ...before, x: event.clientX - drag.current.x, y: event.clientY - drag.current.y }));
  };
  const keys = (event) => {
    const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else if (step && view.k > 1) setView((before) => ({ ...before, x: before.x + step[0], y: before.y + step[1] }));
    else return;
    event.preventDefault();
  };
  return html`<div class="places" ref=${place}>
    <svg viewBox=${`0 0 ${width} ${height}`} height=${height} width="100%" role="group" aria-label=${text} tabindex=${onMove ? 0 : undefined} onKeyDown=${onMove && keys}
      onWheel=${wheel} onPointerDown=${onMove && down} onPointerMove=${onMove && move}>
      <path d=${borders} class="country" transform=${`translate(${view.x} ${view.y}) scale(${view.k})`} stroke-width=${0.7 / view.k} />
      ${points.map((one) => {
        const at = projection([one.longitude, one.latitude]);
        const [x, y] = [at[0] * view.k + view.x, at[1] * view.k + view.y];
        if (x < -30 || y < -30 || x > width + 30 || y > height + 30) return null;
        const pick = onPick && one.name && (() => onPick(one));
        return html`<circle key=${one.key ?? `${one.longitude},${one.latitude}`} cx=${x.toFixed(1)} cy=${y.toFixed(1)} r=${one.size} style=${one.colour ? { fill: one.colour } : undefined} class=${`point ${one.kind ?? ""}${picked && picked === one.name ? " picked" : ""}`}
          onClick=${pick} tabindex=${pick && one.is_main ? 0 : undefined} role=${pick && one.is_main ? "button" : "img"} aria-label=${one.text}
          onKeyDown=${pick && ((event) => (event.key === "Enter" || event.key === " ") && pick())}><title>${one.text}</title></circle>`;
      })}
    </svg>
    <${Scale} projection=${projection} k=${view.k} width=${width} height=${height} />
    ${onMove && html`<div class="zoom"><button type="button" class="quiet" aria-label=${t("zoom_in")} onClick=${() => zoom(1.8)}>+</button>
      <button type="button" class="quiet" aria-label=${t("zoom_out")} onClick=${() => zoom(1 / 1.8)}>−</button></div>`}
  </div>`;
}
