/**
 * Numbers as a language writes them, and nouns that go with them. Pure.
 *
 * Nouns: *forms* are a noun's plural forms by the language's own rules ("one", "few", "many", "other"); "other" is always there.
 */

/** @typedef {{other: string} & Partial<Record<Intl.LDMLPluralRule, string>>} Forms */

/** @param {string} language a BCP 47 tag */
export function numbersOf(language) {
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const rules = new Intl.PluralRules(language);
  const decimals = [0, 1, 2].map(
    (digits) => new Intl.NumberFormat(language, { maximumFractionDigits: digits, useGrouping: false }),
  );
  const number = (/** @type {number} */ count) => whole.format(count);
  return {
    /** 1200 → "1,200" */
    number,
    /** With up to so many digits after the point, none of them an idle zero. @param {number} value @param {0 | 1 | 2} digits */
    decimal: (value, digits) => decimals[digits].format(value),
    /** "1 file", "1,200 files". @param {number} count @param {Forms} forms */
    counted: (count, forms) => `${number(count)} ${forms[rules.select(count)] ?? forms.other}`,
  };
}
