/** One line of a plot: a value every ten seconds. */
export interface Series {
  name: string;
  values: readonly number[];
}

const WIDTH = 640;
const HEIGHT = 160;
const COLOURS = ['#2563eb', '#dc2626', '#16a34a', '#9333ea', '#d97706'];

/** An SVG of several lines over time, from zero to the largest value. */
export function plot(title: string, minutes: number, series: readonly Series[]): string {
  const most = Math.max(1, ...series.flatMap(({ values }) => values));
  const lines = series.map(({ values, name }, index) => {
    const points = values.map((value, at) => {
      const x = (at / Math.max(1, values.length - 1)) * WIDTH;
      return `${x.toFixed(1)},${(HEIGHT - (value / most) * HEIGHT).toFixed(1)}`;
    });
    const colour = COLOURS[index % COLOURS.length];
    return `<polyline fill="none" stroke="${colour}" points="${points.join(' ')}"><title>${name}</title></polyline>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -24 ${WIDTH + 8} ${HEIGHT + 48}" font-family="sans-serif" font-size="12">`,
    `<rect x="-4" y="-24" width="${WIDTH + 8}" height="${HEIGHT + 48}" fill="white"/>`,
    `<text x="0" y="-8">${title}: 0 to ${most}</text>`,
    `<line x1="0" y1="${HEIGHT}" x2="${WIDTH}" y2="${HEIGHT}" stroke="#999"/>`,
    ...lines,
    `<text x="0" y="${HEIGHT + 18}">0</text><text x="${WIDTH}" y="${HEIGHT + 18}" text-anchor="end">${minutes} min</text>`,
    '</svg>',
  ].join('\n');
}
