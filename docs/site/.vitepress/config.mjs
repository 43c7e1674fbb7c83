import {withMermaid} from 'vitepress-plugin-mermaid'

const guide = (text, link) => ({text, link: `/docs/${link}`})

/** The pages are assembled into docs/site/target/src by assemble.mjs, in the folders they have in the repository. */
export default withMermaid({
  title: 'asyncio for Reactor',
  description: "Python's asyncio over Project Reactor: tasks, locks, queues, streams and subprocesses as Mono and Flux",
  lang: 'en',
  srcDir: 'target/src',
  outDir: 'target/dist',
  cacheDir: 'target/cache',
  base: process.env.SITE_BASE ?? '/',
  lastUpdated: false,
  ignoreDeadLinks: [/^\/api\//],
  vite: {publicDir: '../public'},
  mermaid: {htmlLabels: false, flowchart: {htmlLabels: false}}, // labels in HTML take the pages' line height, and are cut off
  themeConfig: {
    search: {provider: 'local'},
    outline: [2, 3],
    nav: [
      {text: 'Guide', link: '/docs/getting-started'},
      {text: 'From asyncio', link: '/docs/from-asyncio'},
      {text: 'From Reactor', link: '/docs/from-reactor'},
      {text: 'Figures', link: '/docs/performance'},
      {text: 'API', link: '/api/index.html', target: '_self'}
    ],
    sidebar: [
      {text: 'Begin', items: [
        guide('Getting started', 'getting-started'), guide('From asyncio', 'from-asyncio'),
        guide('From Reactor', 'from-reactor'), guide('Spring Boot', 'spring-boot'), guide('All pages', 'index')]},
      {text: 'Programs', items: [
        guide('Writing bodies', 'writing-bodies'), guide('Cancellation', 'cancellation'),
        guide('Structured concurrency', 'structured-concurrency'), guide('Iteration', 'iteration'),
        guide('The event loop', 'event-loop'), guide('HTTP and contexts', 'http'), guide('Kotlin', 'kotlin')]},
      {text: 'Primitives', items: [
        guide('Locks, events, limits', 'sync'), guide('Queues', 'queue'), guide('Bridging', 'bridging'),
        guide('Beyond one machine', 'beyond-one-machine'), guide('Writing a primitive', 'extending')]},
      {text: 'Input and output', items: [
        guide('Streams', 'streams'), guide('TLS', 'streams-tls'), guide('Standard streams', 'standard-streams'),
        guide('Child processes', 'subprocess'), guide('Transports', 'transports'), guide('Datagrams', 'datagrams'),
        guide('Sockets', 'sockets')]},
      {text: 'Development', items: [
        guide('When something is wrong', 'developing'), guide('Troubleshooting', 'troubleshooting'),
        guide('Observing', 'observing'), guide('The prompt', 'repl'), guide('Testing', 'testing'),
        guide('Testing IO', 'testing-io')]},
      {text: 'Reference', items: [
        guide('Settings', 'settings'), guide('Differences', 'differences'), guide('Compatibility', 'compatibility'),
        guide('Performance', 'performance'), guide('Glossary', 'glossary'),
        {text: 'Changes', link: '/CHANGELOG'}, {text: 'Contributing', link: '/CONTRIBUTING'}]}
    ]
  }
})
