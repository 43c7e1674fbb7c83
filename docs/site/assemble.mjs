// Assembles target/src and target/public: the Markdown pages in the folders they have in the repository, the sources
// they link to as pages of their own, and the charts of the benchmarks' results.
import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {dirname, join, relative, resolve} from 'node:path'
import {chart, rows} from './charts.mjs'

const root = resolve(import.meta.dirname, '../..')
const src = join(root, 'docs/site/target/src')
const LANGUAGES = {java: 'java', kt: 'kotlin', py: 'python', sh: 'bash', xml: 'xml', jsh: 'java', txt: 'text'}
const LINK = /\]\(([^)\s]+)\)/g

const pages = new Set(['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md'])
for (const file of readdirSync(join(root, 'docs'))) {
  if (file.endsWith('.md') && file !== 'README.md') {
    pages.add(`docs/${file}`)
  }
}

function write(path, text) {
  mkdirSync(dirname(join(src, path)), {recursive: true})
  writeFileSync(join(src, path), text)
}

/** The target of a link as a path in the repository; null for another site's, or one of this site's own files. */
function targetOf(page, link) {
  const path = link.replace(/#.*/, '')
  return /^([a-z]+:|\/)/.test(link) || path === '' ? null : relative(root, resolve(root, dirname(page), path))
}

/** A source file or folder as a page. */
function sourcePage(path) {
  const file = join(root, path)
  if (statSync(file).isDirectory()) {
    const files = readdirSync(file, {recursive: true}).filter(name => statSync(join(file, name)).isFile()).sort()
    return `# ${path}\n\n` + files.map(name => block(`${path}/${name}`)).join('\n')
  }
  return `# ${path}\n\n${block(path)}`
}

function block(path) {
  const text = readFileSync(join(root, path), 'utf8')
  return `\`\`\`\`${LANGUAGES[path.split('.').pop()] ?? 'text'} [${path}]\n${text}\n\`\`\`\`\n`
}

const CHARTS = '## Compared with kotlinx.coroutines and virtual threads\n'

rmSync(join(root, 'docs/site/target/src'), {recursive: true, force: true})
const sources = new Set()
const queue = [...pages]
for (let page; (page = queue.shift()) !== undefined;) {
  const original = readFileSync(join(root, page), 'utf8')
  if (page.endsWith('performance.md') && !original.includes(CHARTS)) {
    throw new Error(`${page} has no heading for the charts: ${CHARTS}`)
  }
  const text = original.replace(CHARTS, `${CHARTS}\n![Operators](/charts/operators.svg)\n\n![Bodies](/charts/bodies.svg)\n`)
  const fenced = text.split(/(^```[\s\S]*?^```)/m)
  write(page, fenced.map((part, i) => i % 2 === 1 ? part : part.replace(LINK, (whole, link) => {
    const target = targetOf(page, link)
    if (target === null) {
      return whole
    }
    if (!existsSync(join(root, target))) {
      throw new Error(`${page} links to ${link}, which does not exist`)
    }
    if (target.endsWith('.md')) {
      if (!pages.has(target)) {
        pages.add(target)
        queue.push(target)
      }
      return whole
    }
    sources.add(target)
    return `](${link.replace(/\/?(#.*)?$/, '.md$1')})`
  })).join(''))
}
for (const source of sources) {
  write(`${source}.md`, sourcePage(source))
}
write('index.md', readFileSync(join(root, 'docs/site/home.md'), 'utf8'))

const results = join(root, 'benchmarks/results/peers.tsv')
if (existsSync(results)) {
  mkdirSync(join(root, 'docs/site/target/public/charts'), {recursive: true})
  for (const [name, svg] of Object.entries(chart(rows(readFileSync(results, 'utf8'))))) {
    writeFileSync(join(root, `docs/site/target/public/charts/${name}.svg`), svg)
  }
}
console.log(`${pages.size} pages, ${sources.size} sources`)
