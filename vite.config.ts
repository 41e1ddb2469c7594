// The page's build: static files with relative URLs, nothing inline, integrity on every tag.
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { defineConfig, type Plugin } from 'vite'

/** Subresource integrity for the tags of index.html (chunks loaded later are not covered: THREATS). */
function integrity(): Plugin {
  return {
    name: 'integrity',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const page = bundle['index.html']
        if (page?.type !== 'asset') return
        page.source = String(page.source).replace(
          /<(script|link)([^>]*?)(src|href)="\.\/(assets\/[^"]+)"([^>]*)>/g,
          (
            tag: string,
            name: string,
            before: string,
            attribute: string,
            path: string,
            after: string,
          ) => {
            const file = bundle[path]
            if (file === undefined) return tag
            const body = file.type === 'chunk' ? file.code : file.source
            const hash = createHash('sha384').update(body).digest('base64')
            return `<${name}${before}${attribute}="./${path}"${after} integrity="sha384-${hash}">`
          },
        )
      },
    },
  }
}

const inPage = (file: string): string => resolve(import.meta.dirname, 'web', file)

/** simple-peer as it is, without the parts of Node that it brings for what nobody does here. */
const underSimplePeer = {
  'readable-stream': inPage('peerstream.ts'),
  buffer: inPage('peerstream.ts'),
  'safe-buffer': inPage('peerstream.ts'),
  debug: inPage('peerlog.ts'),
}

/** The service worker shares nothing. */
const ofThePage = (module: string): boolean => !module.includes('service-worker')

export default defineConfig({
  root: resolve(import.meta.dirname, 'web'),
  base: './',
  logLevel: 'warn',
  resolve: { alias: underSimplePeer },
  // One of the packages under simple-peer knows no other name for it.
  define: { global: 'globalThis' },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [integrity()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    rollupOptions: {
      input: {
        index: resolve(import.meta.dirname, 'web/index.html'),
        sw: resolve(import.meta.dirname, 'web/service-worker/worker.ts'),
      },
      // A browser asks for a newer service worker under the name of the one that it has.
      output: {
        // Whatever the first moment needs is one file: no round trip for its parts, and one hash over all in index.html.
        codeSplitting: { groups: [{ name: 'index', tags: ['$initial'], test: ofThePage }] },
        entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
      },
    },
    target: 'es2022',
  },
})
