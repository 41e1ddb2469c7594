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

export default defineConfig({
  root: resolve(import.meta.dirname, 'web'),
  base: './',
  logLevel: 'warn',
  resolve: { alias: { 'simple-peer': 'simple-peer/simplepeer.min.js' } },
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
        entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
      },
    },
    target: 'es2022',
  },
})
