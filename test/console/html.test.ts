import { describe, expect, it } from 'vitest'
import { escapeText, html, linkTo } from '../../src/console/html.ts'
import { payloads } from './payloads.ts'

describe('html', () => {
  it('escapes text and attributes', () => {
    expect(html`<b title="${'a"b'}">${"<i> & 'x' `y`"}</b>`.toString()).toBe(
      '<b title="a&quot;b">&lt;i&gt; &amp; &#39;x&#39; &#96;y&#96;</b>',
    )
  })

  it('does not escape HTML of its own again, and writes lists one after another', () => {
    expect(html`<ul>${[1, 2n, 'x'].map((item) => html`<li>${item}</li>`)}${undefined}</ul>`.toString()).toBe(
      '<ul><li>1</li><li>2</li><li>x</li></ul>',
    )
  })

  it.each(payloads)('lets no markup through: %j', (payload) => {
    const text = html`<td title="${payload}">${payload}</td>`.toString()

    expect(text.match(/[<>"]/g)).toEqual(['<', '"', '"', '>', '<', '>'])
    expect(text).toMatch(/^<td title="[^"<>]*">[^"<>]*<\/td>$/)
  })

  it('shows characters that would change the text around them', () => {
    expect(escapeText('a\u202eb\u0000c\u2066d\ud800e\u200bf\u001bg')).toBe(
      'a\\u{202e}b\\u{0}c\\u{2066}d\\u{d800}e\\u{200b}f\\u{1b}g',
    )
    expect(escapeText('grüße\t日本\n😀')).toBe('grüße\t日本\n😀')
  })

  it.each([
    ['an unquoted attribute', (value: string) => html`<a title=${value}>`],
    ['a single-quoted attribute', (value: string) => html`<a title='${value}'>`],
    ['the name of a tag', (value: string) => html`<${value}>`],
    ['the name of an attribute', (value: string) => html`<a ${value}>`],
    ['an event handler', (value: string) => html`<a onclick="${value}">`],
    ['a style', (value: string) => html`<a style="${value}">`],
    ['a source', (value: string) => html`<img src="${value}">`],
    ['a script', (value: string) => html`<script>${value}</script>`],
    ['a script, further on', (value: string) => html`<p>${value}</p><script>x = "${value}"</script>`],
    ['a style sheet', (value: string) => html`<style>${value}</style>`],
    ['a link that was not made by linkTo()', (value: string) => html`<a href="${value}">x</a>`],
  ])('refuses a value in %s', (_, make) => {
    expect(() => make('x')).toThrow(TypeError)
  })

  it('takes text after a script has ended', () => {
    expect(html`<script src="a.js"></script><p>${'x'}</p>`.toString()).toContain('<p>x</p>')
  })
})

describe('linkTo()', () => {
  it.each([
    ['metrics', 'metrics'],
    ['-/ready', '-/ready'],
    ['/metrics', '/metrics'],
    ['https://example.com/a?b=c', 'https://example.com/a?b=c'],
    ['http://example.com', 'http://example.com/'],
  ])('makes a link of %s', (target, url) => {
    expect(linkTo(target)?.toString()).toBe(url)
  })

  it('encodes what goes into the query', () => {
    expect(linkTo('api', { consumer: 'a b&c="<', kafka_cluster: 'x' })?.toString()).toBe(
      'api?consumer=a+b%26c%3D%22%3C&kafka_cluster=x',
    )
  })

  it.each([
    ...payloads
      .filter((payload) => /script:|^data:|evil|^\\/i.test(payload))
      .filter((payload) => !payload.includes('<')),
    'file:///etc/passwd',
    'blob:https://example.com/x',
    '/\\evil.invalid',
    '/\t/evil.invalid',
    'mailto:a@b.c',
    'http://',
  ])('makes none of %j', (target) => {
    expect(linkTo(target)).toBeUndefined()
  })
})
