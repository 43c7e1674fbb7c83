// Bars from a table of results: a line a row, tab-separated: scenario, then for each contestant millions of operations
// a second; the first line names the contestants. An empty cell has no bar.
const COLORS = ['#3451b2', '#30a46c', '#e5a00d', '#d6409f', '#8e8c99']
const BAR = 12
const LABEL = 190
const WIDTH = 760

export function rows(text) {
  const [head, ...lines] = text.split('\n').filter(line => line && !line.startsWith('#')).map(line => line.split('\t'))
  return {names: head.slice(1), lines: lines.map(([scenario, ...cells]) => ({scenario, values: cells.map(cell => cell === '' ? null : Number(cell))}))}
}

const escape = text => text.replace(/[&<>]/g, c => ({'&': '&amp;', '<': '&lt;', '>': '&gt;'})[c])

function svg({names, lines}, title) {
  let y = 46
  const body = []
  names.forEach((name, i) => {
    body.push(`<rect x="${LABEL + i * 130}" y="24" width="10" height="10" fill="${COLORS[i]}"/>`
        + `<text x="${LABEL + 14 + i * 130}" y="33">${escape(name)}</text>`)
  })
  for (const {scenario, values} of lines) {
    const most = Math.max(...values.filter(value => value !== null)) // each scenario has its own scale
    body.push(`<text x="${LABEL - 8}" y="${y + 10}" text-anchor="end">${escape(scenario)}</text>`)
    values.forEach((value, i) => {
      if (value !== null) {
        const width = Math.max(1, value / most * (WIDTH - LABEL - 60))
        body.push(`<rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${COLORS[i]}"/>`
            + `<text x="${LABEL + width + 5}" y="${y + 9}" font-size="10">${value}</text>`)
        y += BAR
      }
    })
    y += 8
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="sans-serif" font-size="12">`
      + `<style>text{fill:#3c3c43}@media(prefers-color-scheme:dark){text{fill:#dfdfd6}}</style>`
      + `<text x="0" y="14" font-weight="bold">${escape(title)}</text>${body.join('')}</svg>\n`
}

/** The charts by name: operators (scenarios without a suffix), and bodies. */
export function chart({names, lines}) {
  const bodies = lines.filter(({scenario}) => scenario.endsWith(':body'))
  const operators = lines.filter(({scenario}) => !scenario.includes(':'))
  const of = (part, title) => {
    const used = names.map((_, i) => part.some(({values}) => values[i] !== null))
    return svg({
      names: names.filter((_, i) => used[i]),
      lines: part.map(({scenario, values}) => ({scenario, values: values.filter((_, i) => used[i])}))
    }, title)
  }
  return {
    operators: of(operators, 'Operators: million operations a second; each scenario on its own scale'),
    bodies: of(bodies, 'Bodies: million operations a second; each scenario on its own scale')
  }
}
