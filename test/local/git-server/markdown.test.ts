import { expect } from 'chai';
import { html } from '#shared/web/html.ts';
import { renderMarkdown } from '../../../local/git-server/markdown.ts';

const render = (text: string): string => html`${renderMarkdown(text)}`.text;

describe('the Markdown of a check', () => {
  for (const [what, text, expected] of [
    ['paragraphs', 'a\nb\n\nc', '<p>a\nb</p><p>c</p>'],
    [
      'code and links',
      '`a<b` [x](https://e.x/?a=1&b)',
      '<p><code>a&lt;b</code> <a href="https://e.x/?a=1&amp;b" rel="noreferrer">x</a></p>',
    ],
    [
      'a bare address',
      'see http://a.b/c.',
      '<p>see <a href="http://a.b/c." rel="noreferrer">http://a.b/c.</a></p>',
    ],
    [
      'an address as its own label',
      '[Live: http://a.b](http://a.b)',
      '<p><a href="http://a.b" rel="noreferrer">Live: http://a.b</a></p>',
    ],
    ['a block of code', '```shell\n<b>\n|x|\n```\nend', '<pre>&lt;b&gt;\n|x|</pre><p>end</p>'],
    ['a fence within a longer one', '````text\n```\n````', '<pre>```</pre>'],
    ['a block without an end', '```\nx', '<pre>x</pre>'],
    [
      'a table',
      '| a | |\n|---|---|\n| `b` | [l](http://x) |',
      '<table><tr><th>a</th><th></th></tr><tr><td><code>b</code></td><td><a href="http://x" rel="noreferrer">l</a></td></tr></table>',
    ],
    ['a line that begins as a table', '| a', '<p>| a</p>'],
    ['nothing', '', ''],
  ] as const) {
    it(`shows ${what}`, () => expect(render(text)).to.equal(expected));
  }

  it('makes no markup and no other link of what somebody wrote', () => {
    for (const attack of [
      '<script>alert(1)</script>',
      '[x](javascript:alert(1))',
      '[x](data:text/html,<script>)',
      '[x](//evil.example)',
      '[x](http://a"onmouseover="alert(1))',
      '[<img src=x onerror=alert(1)>](http://a)',
      '![x](http://evil.example/pixel.png)',
      '`<img src=x onerror=alert(1)>`',
      '```"><script>\n</pre><script>\n```',
      '| <b> |\n|---|\n| </table><script> |',
      'http://a/"><script>',
      "http://a/'onclick='x",
    ]) {
      const page = render(attack);
      const tags = page.match(/<[^>]*>/g) ?? [];
      for (const tag of tags) {
        expect(tag, attack).to.match(
          /^<\/?(?:p|pre|code|table|tr|th|td|a)>$|^<a href="https?:[^"<>]*" rel="noreferrer">$/,
        );
      }
      expect(page, attack).to.not.match(/href="(?:javascript|data|\/\/)/);
    }
  });

  it('takes time in proportion to the text', () => {
    const time = (text: string): number => {
      const start = process.cpuUsage().user;
      render(text);
      return process.cpuUsage().user - start;
    };
    for (const unit of ['[', '`', '[a](', '|', '```\n', 'http://', '| a\n']) {
      // Far more than a check may hold; quadratic work would take minutes.
      expect(time(unit.repeat(50_000)), unit).to.be.below(5_000_000);
    }
  });
});
