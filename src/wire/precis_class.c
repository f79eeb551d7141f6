/* SPDX-License-Identifier: ISC */
/* precis_class.c: the string classes of RFC 8264, their context rules, and the Bidi Rule. */
#include <stdlib.h>
#include <string.h>

#include <uninorm.h>
#include <unictype.h>
#include <unistr.h>

#include "wire/precis_class.h"

#define VIRAMA 9 /* canonical combining class */

/* What RFC 8264 §8 derives for a code point. */
enum derived {
	PVALID,    /* in both classes */
	FREE_PVAL, /* in FreeformClass only */
	CONTEXT,   /* where its rule is met */
	DISALLOWED,
};

static bool
is_any(uint32_t c, const uint32_t *set)
{
	for (; *set != 0; set++)
		if (*set == c)
			return true;
	return false;
}

static bool
is_between(uint32_t c, uint32_t first, uint32_t last)
{
	return c >= first && c <= last;
}

/* RFC 8264 §9.9: conjoining jamo, by their blocks. */
static bool
is_old_jamo(uint32_t c)
{
	return is_between(c, 0x1100, 0x11ff) || is_between(c, 0xa960, 0xa97c) ||
	       is_between(c, 0xd7b0, 0xd7fb);
}

/* RFC 8264 §9.17: whether compatibility normalization changes it. */
static bool
has_compat(uint32_t c)
{
	uint32_t made[32];
	size_t n = sizeof(made) / sizeof(made[0]);
	uint32_t *result = u32_normalize(UNINORM_NFKC, &c, 1, made, &n);

	bool same = result != NULL && n == 1 && result[0] == c;

	if (result != made)
		free(result);
	return !same;
}

/* RFC 8264 §9.6. */
static bool
is_exception(uint32_t c, enum derived *derived)
{
	static const uint32_t valid[] = { 0xdf, 0x3c2, 0x6fd, 0x6fe, 0xf0b, 0x3007, 0 };
	static const uint32_t context[] = { 0xb7, 0x375, 0x5f3, 0x5f4, 0x30fb, 0 };
	static const uint32_t never[] = { 0x640,  0x7fa,  0x302e, 0x302f, 0x3031, 0x3032,
					  0x3033, 0x3034, 0x3035, 0x303b, 0 };

	if (is_any(c, valid))
		*derived = PVALID;
	else if (is_any(c, context) || is_between(c, 0x660, 0x669) || is_between(c, 0x6f0, 0x6f9))
		*derived = CONTEXT;
	else if (is_any(c, never))
		*derived = DISALLOWED;
	else
		return false;
	return true;
}

/* RFC 8264 §8, in its order. */
static enum derived
derive(uint32_t c)
{
	enum derived derived;

	if (is_exception(c, &derived))
		return derived;
	if (uc_is_general_category(c, UC_UNASSIGNED))
		return DISALLOWED;
	if (is_between(c, 0x21, 0x7e))
		return PVALID;
	if (c == 0x200c || c == 0x200d)
		return CONTEXT;
	if (is_old_jamo(c) || uc_is_property_default_ignorable_code_point(c) ||
	    uc_is_property_not_a_character(c) || uc_is_general_category(c, UC_CONTROL) ||
	    uc_is_general_category(c, UC_SURROGATE) || uc_is_general_category(c, UC_PRIVATE_USE))
		return DISALLOWED;
	if (has_compat(c))
		return FREE_PVAL;
	if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Ll | UC_CATEGORY_MASK_Lu |
							UC_CATEGORY_MASK_Lo | UC_CATEGORY_MASK_Nd |
							UC_CATEGORY_MASK_Lm | UC_CATEGORY_MASK_Mn |
							UC_CATEGORY_MASK_Mc))
		return PVALID;
	return uc_is_general_category_withtable(
		       c, UC_CATEGORY_MASK_Lt | UC_CATEGORY_MASK_Nl | UC_CATEGORY_MASK_No |
				  UC_CATEGORY_MASK_Me | UC_CATEGORY_MASK_Zs | UC_CATEGORY_MASK_S |
				  UC_CATEGORY_MASK_P)
		       ? FREE_PVAL
		       : DISALLOWED;
}

static bool
has_script(uint32_t c, const char *name)
{
	const uc_script_t *script = uc_script(c);

	return script != NULL && strcmp(script->name, name) == 0;
}

/* RFC 5892 A.1: between letters that join, transparent ones skipped; or behind a virama. */
static bool
may_not_join(const uint32_t *text, size_t length, size_t i)
{
	size_t before = i, after = i + 1;
	int type;

	while (before > 0 && uc_joining_type(text[before - 1]) == UC_JOINING_TYPE_T)
		before--;
	while (after < length && uc_joining_type(text[after]) == UC_JOINING_TYPE_T)
		after++;
	if (before == 0 || after == length)
		return false;
	type = uc_joining_type(text[before - 1]);
	if (type != UC_JOINING_TYPE_L && type != UC_JOINING_TYPE_D)
		return false;
	type = uc_joining_type(text[after]);
	return type == UC_JOINING_TYPE_R || type == UC_JOINING_TYPE_D;
}

static bool
has_kana_or_han(const uint32_t *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (has_script(text[i], "Hiragana") || has_script(text[i], "Katakana") ||
		    has_script(text[i], "Han"))
			return true;
	return false;
}

static bool
has_range(const uint32_t *text, size_t length, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < length; i++)
		if (is_between(text[i], first, last))
			return true;
	return false;
}

/* RFC 5892 appendix A, for the character at i. */
static bool
context_allows(const uint32_t *text, size_t length, size_t i)
{
	bool behind_virama = i > 0 && uc_combining_class(text[i - 1]) == VIRAMA;

	switch (text[i]) {
	case 0x200c:
		return behind_virama || may_not_join(text, length, i);
	case 0x200d:
		return behind_virama;
	case 0xb7:
		return i > 0 && i + 1 < length && text[i - 1] == 'l' && text[i + 1] == 'l';
	case 0x375:
		return i + 1 < length && has_script(text[i + 1], "Greek");
	case 0x5f3:
	case 0x5f4:
		return i > 0 && has_script(text[i - 1], "Hebrew");
	case 0x30fb:
		return has_kana_or_han(text, length);
	default:
		/* The two sorts of Arabic digits do not mix. */
		return text[i] < 0x6f0 ? !has_range(text, length, 0x6f0, 0x6f9)
				       : !has_range(text, length, 0x660, 0x669);
	}
}

static bool
class_allows(const uint32_t *text, size_t length, bool freeform)
{
	for (size_t i = 0; i < length; i++) {
		switch (derive(text[i])) {
		case PVALID:
			break;
		case FREE_PVAL:
			if (!freeform)
				return false;
			break;
		case CONTEXT:
			if (!context_allows(text, length, i))
				return false;
			break;
		case DISALLOWED:
			return false;
		}
	}
	return true;
}

#define BIDI(class) (1u << (class))
#define BIDI_BOTH                                                                                  \
	(BIDI(UC_BIDI_EN) | BIDI(UC_BIDI_ES) | BIDI(UC_BIDI_CS) | BIDI(UC_BIDI_ET) |               \
	 BIDI(UC_BIDI_ON) | BIDI(UC_BIDI_BN) | BIDI(UC_BIDI_NSM))
#define BIDI_RIGHT (BIDI(UC_BIDI_R) | BIDI(UC_BIDI_AL))

/* RFC 5893 §2: only where right-to-left characters are there at all. */
static bool
bidi_allows(const uint32_t *text, size_t length)
{
	unsigned seen = 0, first, last, digits = BIDI(UC_BIDI_EN) | BIDI(UC_BIDI_AN);
	size_t end = length;

	if (length == 0)
		return true;
	for (size_t i = 0; i < length; i++)
		seen |= BIDI(uc_bidi_class(text[i]));
	if ((seen & (BIDI_RIGHT | BIDI(UC_BIDI_AN))) == 0)
		return true;
	while (end > 1 && uc_bidi_class(text[end - 1]) == UC_BIDI_NSM)
		end--;
	first = BIDI(uc_bidi_class(text[0]));
	last = BIDI(uc_bidi_class(text[end - 1]));
	if ((first & BIDI_RIGHT) != 0)
		return (seen & ~(BIDI_RIGHT | BIDI(UC_BIDI_AN) | BIDI_BOTH)) == 0 &&
		       (last & (BIDI_RIGHT | digits)) != 0 && (seen & digits) != digits;
	return first == BIDI(UC_BIDI_L) && (seen & ~(BIDI(UC_BIDI_L) | BIDI_BOTH)) == 0 &&
	       (last & (BIDI(UC_BIDI_L) | BIDI(UC_BIDI_EN))) != 0;
}

bool
class_allows_username(const uint32_t *text, size_t length)
{
	/* RFC 7622 §3.3.1. */
	static const uint32_t excluded[] = { '"', '&', '\'', '/', ':', '<', '>', '@', 0 };

	for (size_t i = 0; i < length; i++)
		if (is_any(text[i], excluded))
			return false;
	return class_allows(text, length, false) && bidi_allows(text, length);
}

bool
class_allows_opaque(const uint32_t *text, size_t length)
{
	return class_allows(text, length, true);
}

static bool
is_domain_ascii(uint32_t c)
{
	return is_between(c, 'a', 'z') || is_between(c, '0', '9') || c == '-' || c == '_';
}

bool
class_allows_domain(const uint32_t *text, size_t length)
{
	for (size_t start = 0, end; start <= length; start = end + 1) {
		for (end = start; end < length && text[end] != '.'; end++)
			if (text[end] < 0x80 && !is_domain_ascii(text[end]))
				return false;
		if (!class_allows(text + start, end - start, false) ||
		    !bidi_allows(text + start, end - start))
			return false;
	}
	return true;
}
