/** A letter: what a template says, block by block. Text and HTML are made from it here, so that no template escapes by itself. */

import { oneLine } from '../one-line.ts';

export type Language = 'en' | 'zh';

export type Block =
  | string
  | { button: string; url: string }
  | { list: readonly string[] }
  /** Label and value in rows. */
  | { facts: readonly (readonly [string, string])[] };

export interface Letter {
  subject: string;
  blocks: readonly Block[];
}

export interface Rendered {
  subject: string;
  text: string;
  html: string;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** For text and quoted attributes of HTML. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);

const asText = (block: Block): string => {
  if (typeof block === 'string') return oneLine(block);
  if ('button' in block) return `${oneLine(block.button)}:\n${block.url}`;
  if ('list' in block) return block.list.map((item) => `- ${oneLine(item)}`).join('\n');
  return block.facts.map(([label, value]) => `${oneLine(label)}: ${oneLine(value)}`).join('\n');
};

const asHtml = (block: Block): string => {
  if (typeof block === 'string') return `<p>${escapeHtml(oneLine(block))}</p>`;
  if ('button' in block) {
    const url = escapeHtml(block.url);
    return (
      `<p><a href="${url}" style="display:inline-block;padding:12px 20px;border-radius:6px;background:#1f4fd8;` +
      `color:#ffffff;text-decoration:none">${escapeHtml(oneLine(block.button))}</a></p>` +
      `<p style="font-size:13px;color:#5b6270;word-break:break-all">${url}</p>`
    );
  }
  if ('list' in block) return `<ul>${block.list.map((item) => `<li>${escapeHtml(oneLine(item))}</li>`).join('')}</ul>`;
  const rows = block.facts.map(
    ([label, value]) =>
      `<tr><td style="padding:2px 16px 2px 0;color:#5b6270">${escapeHtml(oneLine(label))}</td>` +
      `<td>${escapeHtml(oneLine(value))}</td></tr>`,
  );
  return `<table role="presentation">${rows.join('')}</table>`;
};

/** Makes a mail of a letter. Every value is escaped; nothing in it can become markup or a header. */
export const renderLetter = ({ subject, blocks }: Letter, language: Language): Rendered => ({
  subject: oneLine(subject),
  text: `${blocks.map(asText).join('\n\n')}\n`,
  html: [
    '<!doctype html>',
    `<html lang="${language === 'zh' ? 'zh-CN' : 'en'}"><head><meta charset="utf-8">`,
    '<meta name="viewport" content="width=device-width">',
    `<title>${escapeHtml(oneLine(subject))}</title></head>`,
    '<body style="margin:0;padding:24px;background:#f4f5f7">',
    '<div style="max-width:520px;margin:0 auto;padding:24px;border-radius:8px;background:#ffffff;color:#1c2029;',
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI','PingFang SC','Microsoft YaHei',sans-serif\">",
    ...blocks.map(asHtml),
    '</div></body></html>',
  ].join('\n'),
});
