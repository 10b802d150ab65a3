"""Who said what in an article: finding reported speech, and naming the speaker.

Two layers, so that the first can be replaced. ``find`` marks source, cue and content in each sentence by rules over
reporting verbs. ``statements`` decides whose words they are: surnames, roles and pronouns are resolved within the
article, and quotations are carried over sentence and paragraph breaks. Words in the wrong mouth are worse than words
without a speaker, so whatever stays open between two people is left open (speaker "").
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import regex

from rag.records import Article, Span, Statement


# --- Words ------------------------------------------------------------------------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Reporting verbs as "base third-person past gerund". Verbs of saying may follow their subject or precede it, and may
# stand after what was said; verbs of thinking and judging only stand before it.
_SAYING = """
say says said saying; add adds added adding; tell tells told telling; note notes noted noting
stress stresses stressed stressing; argue argues argued arguing; deny denies denied denying; warn warns warned warning
write writes wrote writing; tweet tweets tweeted tweeting; post posts posted posting; state states stated stating
explain explains explained explaining; announce announces announced announcing; claim claims claimed claiming
insist insists insisted insisting; declare declares declared declaring; assert asserts asserted asserting
acknowledge acknowledges acknowledged acknowledging; admit admits admitted admitting; reply replies replied replying
respond responds responded responding; continue continues continued continuing; conclude concludes concluded concluding
recall recalls recalled recalling; remark remarks remarked remarking; observe observes observed observing
comment comments commented commenting; concede concedes conceded conceding; confirm confirms confirmed confirming
complain complains complained complaining; joke jokes joked joking; quip quips quipped quipping
predict predicts predicted predicting; promise promises promised promising; vow vows vowed vowing
pledge pledges pledged pledging; reiterate reiterates reiterated reiterating; repeat repeats repeated repeating
emphasize emphasizes emphasized emphasizing; emphasise emphasises emphasised emphasising
underline underlines underlined underlining; underscore underscores underscored underscoring
mention mentions mentioned mentioning; report reports reported reporting; reveal reveals revealed revealing
suggest suggests suggested suggesting; ask asks asked asking; lament laments lamented lamenting
allege alleges alleged alleging; maintain maintains maintained maintaining; contend contends contended contending
caution cautions cautioned cautioning; boast boasts boasted boasting; agree agrees agreed agreeing
recount recounts recounted recounting; proclaim proclaims proclaimed proclaiming; counter counters countered countering
exclaim exclaims exclaimed exclaiming; shout shouts shouted shouting; echo echoes echoed echoing
disclose discloses disclosed disclosing; elaborate elaborates elaborated elaborating; email emails emailed emailing
testify testifies testified testifying; opine opines opined opining; muse muses mused musing; affirm affirms affirmed affirming
answer answers answered answering; interject interjects interjected interjecting
retort retorts retorted retorting; relay relays relayed relaying; speculate speculates speculated speculating
"""
_THINKING = """
believe believes believed believing; think thinks thought thinking; hope hopes hoped hoping; expect expects expected expecting
fear fears feared fearing; want wants wanted wanting; doubt doubts doubted doubting; feel feels felt feeling
wish wishes wished wishing; worry worries worried worrying; suspect suspects suspected suspecting; wonder wonders wondered wondering
call calls called calling; describe describes described describing; criticize criticizes criticized criticizing
criticise criticises criticised criticising; accuse accuses accused accusing; praise praises praised praising
blame blames blamed blaming; urge urges urged urging; demand demands demanded demanding; reject rejects rejected rejecting
dismiss dismisses dismissed dismissing; condemn condemns condemned condemning; denounce denounces denounced denouncing
defend defends defended defending; propose proposes proposed proposing; estimate estimates estimated estimating
question questions questioned questioning; indicate indicates indicated indicating; cite cites cited citing
blast blasts blasted blasting; mock mocks mocked mocking; hail hails hailed hailing; reassure reassures reassured reassuring
assure assures assured assuring; compare compares compared comparing; advise advises advised advising
outline outlines outlined outlining; welcome welcomes welcomed welcoming; express expresses expressed expressing
lambast lambasts lambasted lambasting; thank thanks thanked thanking; credit credits credited crediting; attack attacks attacked attacking; slam slams slammed slamming
label labels labeled labeling; brand brands branded branding
"""


@dataclass(frozen=True, slots=True)
class _Verb:
    saying: bool
    form: Literal["base", "third", "past", "gerund"]


def _verbs() -> dict[str, _Verb]:
    table: dict[str, _Verb] = {}
    for text, saying in ((_THINKING, False), (_SAYING, True)):
        for entry in regex.split(r"[;\n]", text):
            if entry.strip():
                base, third, past, gerund = entry.split()
                table[base] = _Verb(saying, "base")
                table[third] = _Verb(saying, "third")
                table[past] = _Verb(saying, "past")
                table[gerund] = _Verb(saying, "gerund")
    return table


_VERBS = _verbs()
# Forms that are as often nouns: they need a pronoun or a bare name as their subject.
_NOUNISH = _words(
    "claims calls hopes fears reports notes demands promises charges questions doubts comments posts emails tweets"
    " claim call hope fear report note demand promise question doubt comment post email tweet state states pledge pledges"
    " vow vows wish wishes feel want worry worries estimate estimates cites blast brands labels counter counters views remark remarks praise"
    " blame thank thanks credit credits attack attacks answer answers slam slams echo joke jokes label brand express welcome continue mention mentions repeat suspect suspects counters shout"
)
# After these a word is followed by its content even without "that", "" or a quotation; others need one of the three.
_ADVERBS = _words(
    "also later then repeatedly again once often recently previously earlier further just only already now still even"
    " never explicitly publicly flatly simply famously first initially frequently consistently clearly quickly recently"
    " strongly openly jokingly reportedly specifically subsequently finally long always sometimes additionally angrily"
    " bluntly apparently separately similarly quietly privately personally actually both all each himself herself themselves"
)
_AUXILIARIES = _words("has have had did does do ’s 's ’ve 've ’d 'd")
_BE = _words("is are was were be been being am ’re 're ’m get gets got")
_MODALS = _words("can could may might should must will would shall ’ll 'll to cannot can’t can't won’t won't wouldn’t wouldn't")
_NEGATION = _words(
    "not didn’t didn't hasn’t hasn't haven’t haven't doesn’t doesn't don’t don't hadn’t hadn't nor wouldn’t couldn’t"
)
_HE, _SHE = _words("he him his himself"), _words("she her hers herself")
_PRONOUNS = _words("he she they it who i we you which that one")
_PREPOSITIONS = _words(
    "of in for with by from at to on against about between among under over after before during into through near like"
    " than without within across behind despite toward towards upon via outside inside alongside beyond since until per"
)
_CLAUSE_STARTS = _words(
    "and but while as that because when if though although since where so yet or whereas until unless after before once"
    " whether than meanwhile however then later instead still today yesterday what why how which"
)
_DETERMINERS = _words("the a an his her their its our my this that these those one another some many several most few two three")
_TAIL_STARTS = _PREPOSITIONS | _words(
    "monday tuesday wednesday thursday friday saturday sunday yesterday today tonight earlier later last this when while as"
    " afterward afterwards recently here there again too and but because once then online early late twice"
)
_TIME = _words(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september"
    " october november december jan. feb. aug. sept. oct. nov. dec. today yesterday"
)

# People. Role words carry a name behind them when capitalised ("Foreign Minister Sergei Lavrov").
_ROLES = _words(
    "president minister premier chancellor secretary senator sen. sens. representative rep. reps. congressman congresswoman governor gov. mayor"
    " justice judge speaker leader chairman chairwoman chair chairperson director chief commissioner ambassador envoy"
    " general gen. colonel col. lieutenant lt. sergeant sgt. major maj. captain capt. admiral adm. officer sheriff"
    " detective inspector commander marshal professor prof. dr. doctor mr. mr mrs. mrs ms. ms miss sir lord lady dame rev. reverend"
    " father bishop archbishop cardinal pope sheikh ayatollah imam rabbi king queen prince princess emperor emir sultan"
    " spokesman spokeswoman spokesperson attorney counsel prosecutor strategist manager adviser advisor economist analyst"
    " editor author coach deputy vice prime foreign defense defence finance interior lawyer ceo cfo reporter correspondent"
    " host anchor founder owner candidate nominee lawmaker treasurer delegate pastor actor actress singer activist expert"
    " researcher scientist superintendent councilman councilwoman pollster historian columnist aide donor president-elect"
    " consultant contributor investigator comedian physician epidemiologist coordinator administrator administer rapper"
    " filmmaker director-general undersecretary co-founder surgeon virologist meteorologist minority majority whip press"
)
_SPECIFIC = _ROLES - _words(
    "vice prime foreign defense defence finance interior deputy press minority majority whip mr. mr mrs. mrs ms. ms miss general dr."
)
_MALE = _words("mr. mr sir lord king prince congressman chairman spokesman father pope actor councilman businessman emir sultan")
_FEMALE = _words("mrs. mrs ms. ms miss lady dame queen princess congresswoman chairwoman spokeswoman actress councilwoman businesswoman")
_COURTESY = _words("mr. mr mrs. mrs ms. ms miss dr. dr sir dame lord lady")
_SUFFIXES = _words("jr. jr sr. sr ii iii iv esq.")
_PARTICLES = _words("de la van von bin al el ben der da dos ibn du del di ter den le")
_AFFILIATIONS = _words(
    "republican democrat democratic republicans democrats conservative libertarian independent american british russian"
    " chinese french german japanese israeli iranian indian ukrainian turkish canadian australian italian spanish mexican"
    " polish saudi syrian iraqi afghan pakistani brazilian korean african european asian arab muslim christian jewish"
    " catholic latino hispanic black white us u.s. uk u.k. un u.n. eu texas florida ohio california new york gop"
)
# Words that make a capitalised run something other than a person.
_THINGS = _words(
    "house party council committee department ministry university college institute bank corp. inc. co. ltd. llc group"
    " association union court congress senate times post news journal street states kingdom republic city county state"
    " north south east west river island bay avenue square tower foundation agency bureau commission office board federation"
    " company corporation center centre school hospital airport force army navy police league club church society network"
    " administration campaign convention act bill amendment law project program fund treasury reserve parliament"
    " embassy nations security service services press media magazine radio television tv organization organisation pac"
    " caucus coalition alliance front movement government forum summit conference championship cup games museum library"
    " america americans africa europe asia world day week year international national federal global super tuesday"
    " january february march april june july august september october november december monday wednesday thursday friday"
    " saturday sunday york washington london beijing moscow jersey hampshire carolina dakota virginia mexico orleans angeles"
    " francisco diego vegas zealand korea arabia"
)
_INSTITUTIONS = _words(
    "ministry department agency bank committee commission court university association union council party campaign"
    " administration government office embassy army police military kremlin pentagon parliament institute foundation"
    " company firm group organization organisation newspaper network team bureau board church school hospital center"
)
_NOT_NAMES = _CLAUSE_STARTS | _DETERMINERS | _PREPOSITIONS | _PRONOUNS | _TIME | _ADVERBS | _BE | _words(
    "both no not yes every each all any other others such there here only also even just more less much who whom whose"
    " what why how asked said speaking calling noting according i’m i'm i’ve it’s it's he’s she’s they’re we’re don’t"
    " me him them us if do does did has have had will would can could should is are was were let like unlike"
    " given despite thanks editor’s read more photo image video watch related see please none nobody everyone anyone"
    " somebody someone another either neither nearly about around perhaps maybe indeed well oh ok okay sure thank"
    " q a"
)
_PLURALS = _words(
    "officials critics analysts experts police aides supporters lawmakers researchers scientists residents witnesses voters"
    " prosecutors authorities sources investigators observers opponents protesters activists economists leaders people"
    " many others some others women men students doctors advocates reporters journalists polls studies reports having"
)
_GROUPS = _words(
    "republicans democrats republican democrat americans conservatives liberals progressives russians europeans britons"
    " millennials hispanics latinos muslims christians jews evangelicals independents african-americans"
)
# Given names whose bearers are nearly always of one gender; the rest is learnt from titles and pronouns.
_MEN = _words(
    "aaron abdul adam ahmed alan albert alexander alexei alexey ali andrei andrew anthony antonio antony arthur barack barry ben"
    " benjamin bernard bernie bill bob boris brad brendan brett brian bruce carl carlos charles chris christopher chuck clarence"
    " corey craig dan daniel dave david dean dennis dmitry don donald doug douglas ed edward elon emmanuel eric ethan evan francis"
    " frank fred gary gavin gene george gerald glenn greg gregory harold harry hassan henry herbert howard hugh ian igor imran"
    " ivan jack jacob jake james jared jason javier jay jeb jeff jeffrey jeremy jerome jerry jim jimmy joe joel john johnny jon"
    " jonathan jose joseph josh joshua juan justin karl keith ken kenneth kevin larry lawrence lee leo leonard lindsey louis luis luke"
    " marc marco mark martin matt matthew michael miguel mike mikhail mitch mitt mohamed mohammad mohammed muhammad narendra nathan"
    " neil nicholas nick nicolas nigel oliver oscar patrick paul pedro pete peter phil philip phillip rafael ralph rand ray"
    " raymond recep reince rex richard rick rob robby robert rodrigo roger ron ronald rudolph rudy rupert russell ryan sam samuel"
    " scott sean sebastian sergei sergey seth shinzo simon stanley stephen steve steven stuart ted terry thomas tim timothy todd tom"
    " tommy tony vernon victor viktor vincent vladimir volodymyr walter warren wayne will william zach"
)
_WOMEN = _words(
    "abigail alexandra alexandria alice alicia allison amanda amy andrea angela angelina ann anna anne annie barbara beth betsy"
    " beverly bonnie brenda carla carly carol caroline carolyn catherine charlotte cheryl christina christine cindy claire"
    " condoleezza cynthia dana deborah debbie debra denise diana diane dianne donna dorothy elena elizabeth ellen emily emma erica erin"
    " eva eve evelyn gina gloria grace greta hannah heather heidi helen hillary hope huma irene ivanka jackie jacinda jane"
    " janet janice jean jeanne jen jennifer jessica jill joan joanna jodi josephine joyce judith judy julia julie kamala karen"
    " karine kate katherine kathleen kathryn kathy katie katrina kayleigh kellyanne kelly kim kimberly kirsten kristen laura lauren leslie linda"
    " lisa liz loretta lori louise lucy lynn madeleine maggie margaret maria marie marilyn marine marissa martha mary maura megan"
    " melania melinda melissa meghan michelle molly monica nancy naomi natalie natasha nicola nicole nikki nina norma olga oprah"
    " pamela patricia patti paula phyllis rachel rebecca renee rita robin rosa rose roxanne ruth sally samantha sandra sara sarah sharon"
    " sheila shirley sonia sophia sophie stephanie sue susan susana suzanne sylvia tammy tara teresa theresa tiffany tina tulsi ursula"
    " valerie vanessa veronica victoria virginia vivian wendy whitney whoopi yvonne"
)
_OUTLETS = regex.compile(
    r"(?i)\b(?:reuters|xinhua|ap|afp|tass|ria|bloomberg|cnn|bbc|nbc|abc|cbs|npr|msnbc|politico|axios|fox news|media|news agency"
    r"|newspapers?|times|post|journal|guardian|telegraph|tribune|herald|news|daily|magazine|reports?|interfax|associated press)\b"
)

# A trailing period belongs to a word in initials ("J.", "U.S.") and in the titles that carry a name.
_TOKEN = regex.compile(
    r"(?:\p{Lu}\.)+(?!\p{L})|\b(?:Mr|Mrs|Ms|Dr|Sens?|Reps?|Gov|Gen|Lt|Col|Sgt|Maj|Prof|Rev|St|Jr|Sr|Adm|Capt|Hon|Inc|Corp|Co|Ltd|Esq)\."
    r"|['’](?:s|re|ve|d|ll|m)\b"
    r"|\p{L}[\p{L}\p{M}\p{N}]*+(?:(?:[-‑.]|['’](?!(?:s|re|ve|d|ll|m)\b))[\p{L}\p{N}][\p{L}\p{M}\p{N}]*+)*+"
    r"|\p{N}[\p{N}.,]*+(?:-[\p{L}\p{N}]++)*+|--|''|``|\S"
)
_OPEN, _CLOSE = "“„«", "”»"


# --- The article as tokens --------------------------------------------------------------------------------------------


class _Tokens:
    """An article's words with offsets, the sentence each belongs to, and the quotation each stands in (0: none)."""

    def __init__(self, text: str, spans: Sequence[Span]) -> None:
        self.text, self.spans = text, spans
        self.words: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.bounds: list[tuple[int, int]] = []  # first and past-the-last token of each sentence
        self.paragraph: list[int] = []  # of each sentence
        number = 0
        for i, span in enumerate(spans):
            first = len(self.words)
            for match in _TOKEN.finditer(text, span.start, span.end):
                word = match.group()
                self.words.append('"' if word in ("''", "``") else word)
                self.starts.append(match.start())
                self.ends.append(match.end())
            self.bounds.append((first, len(self.words)))
            if i and "\n" in text[spans[i - 1].end : span.start]:
                number += 1
            self.paragraph.append(number)
        self.lower = [word.lower() for word in self.words]
        # A word that opens a sentence is a name only if the article nowhere writes it small.
        small = {word for word in self.words if word[0].islower()} | _PLURALS
        self.common = {
            first
            for start, end in self.bounds
            for first in range(start, min(start + 2, end))
            if (first == start or not self.words[start][0].isalnum())
            and (self.lower[first] in small or self.lower[first].endswith("ing"))
        }
        self.quote, self.carried = self._quotations()

    def _quotations(self) -> tuple[list[int], set[int]]:
        """The quotation of each token (marks included), and the quotations that go on from the paragraph before."""
        quote = [0] * len(self.words)
        carried: set[int] = set()
        current = latest = 0
        paragraph = -1
        for (first, last), place in zip(self.bounds, self.paragraph, strict=True):
            if place != paragraph:
                # A quotation left open runs on when the next paragraph opens with a mark again; else it was an error.
                opens = first < last and (self.words[first] in _OPEN or self.words[first] == '"')
                if current and opens:
                    latest += 1
                    carried.add(latest)
                    quote[first] = current = latest
                    first += 1
                else:
                    current = 0
                paragraph = place
            for i in range(first, last):
                word = self.words[i]
                if word == '"':
                    opening = self._opens(i) if not current else not self._closes(i)
                    if opening and not current:
                        latest += 1
                        current = latest
                    quote[i] = current
                    if not opening:
                        current = 0
                elif word in _OPEN:
                    if not current:
                        latest += 1
                        current = latest
                    quote[i] = current
                elif word in _CLOSE:
                    quote[i] = current
                    current = 0
                else:
                    quote[i] = current
        return quote, carried

    def _opens(self, i: int) -> bool:
        after = self.ends[i]
        return after < len(self.text) and not self.text[after].isspace()

    def _closes(self, i: int) -> bool:
        before = self.starts[i] - 1
        return before >= 0 and not self.text[before].isspace() or not self._opens(i)

    def name(self, i: int) -> bool:
        """Whether token i can be part of a name: capitalised, and not a word that merely opens a sentence."""
        word = self.words[i]
        return word[0].isupper() and self.lower[i] not in _NOT_NAMES and i not in self.common

    def span(self, first: int, last: int) -> Span:
        return Span(self.starts[first], self.ends[last - 1])

    def within(self, span: Span) -> range:
        return range(bisect_left(self.starts, span.start), bisect_right(self.ends, span.end))


# --- Layer one: source, cue and content in a sentence -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """One attribution as it stands in a sentence: spans of the article's text, before anybody is named.

    ``source`` is None where the sentence names none ("…, adding that …" after a subject far off).
    """

    sentence: int
    source: Span | None
    cue: Span
    content: Span


def find(text: str, spans: Sequence[Span]) -> list[Found]:
    """The attributions in the sentences of ``text``, by rules over reporting verbs and quotation marks."""
    return _find(_Tokens(text, spans))


def _find(tokens: _Tokens) -> list[Found]:
    found: list[Found] = []
    labels = _transcript(tokens)
    speeches = {tokens.paragraph[sentence] for sentence in labels}
    spoken = 0  # up to where a "he said:" has taken what follows as its content
    for sentence, span in enumerate(tokens.spans):
        if span.start < spoken or tokens.paragraph[sentence] in speeches and sentence not in labels:
            continue
        found += _Sentence(tokens, sentence, labels).find()
        if found and found[-1].sentence == sentence:
            spoken = max(spoken, found[-1].content.end if found[-1].content.start >= span.end else 0)
    return found


def _transcript(tokens: _Tokens) -> set[int]:
    """The sentences that open with a speaker's label ("WALLACE: …"); one label alone is no transcript."""
    labels: set[int] = set()
    for i, (first, last) in enumerate(tokens.bounds):
        if i and tokens.paragraph[i] == tokens.paragraph[i - 1]:
            continue
        colon = next((j for j in range(first, min(first + 6, last)) if tokens.words[j] == ":"), first)
        label = tokens.words[first:colon]
        if label and all(word.isupper() or word in ".,-" for word in label):
            labels.add(i)
    return labels if len(labels) > 1 else set()


class _Sentence:
    """Finds the attributions of one sentence. Positions are token numbers."""

    def __init__(self, tokens: _Tokens, number: int, labels: set[int]) -> None:
        self.t, self.number, self.labels = tokens, number, labels
        self.first, self.last = tokens.bounds[number]
        self.found: list[Found] = []
        self.main: tuple[int, int] | None = None  # the source of the sentence's latest finite cue

    def find(self) -> list[Found]:
        t = self.t
        if self.number in self.labels:
            colon = t.words.index(":", self.first, self.last)
            self.add((self.first, colon), (colon, colon + 1), (colon + 1, self.last))
            return self.found
        self.colon()
        if not self.found:
            early: list[int] = []
            i = self.first
            while i < self.last:
                if not t.quote[i]:
                    word = t.lower[i]
                    if word == "according" and i + 1 < self.last and t.lower[i + 1] == "to":
                        self.according(i, i + 2)
                    elif word == "in" and i + 3 < self.last:
                        self.in_words(i)
                    elif word == "as" and i + 2 < self.last:
                        self.put_it(i)
                    elif (verb := _VERBS.get(word)) is not None:
                        if verb.form == "gerund":
                            early.append(i) if self.main is None else self.gerund(i, self.main)
                        else:
                            self.verb(i, verb)
                i += 1
            for i in range(self.first + 1, self.last - 1):
                if t.quote[i - 1] and not t.quote[i]:
                    self.after_quotation(i)
            for i in early:
                self.gerund(i, self.main or self.subject_of_sentence(i))
        return self.found

    def add(self, source: tuple[int, int] | None, cue: tuple[int, int], content: tuple[int, int]) -> None:
        t, (start, end) = self.t, content
        while start < end and t.words[start] in ",:;—–-" or start < end and t.words[start] == "--":
            start += 1
        while start < end and t.words[end - 1] in ",:;—–-":
            end -= 1
        if not any(t.words[i][0].isalnum() for i in range(start, end)):
            return
        span = t.span(start, end)
        self.found.append(Found(self.number, t.span(*source) if source else None, t.span(*cue), span))

    # Cues that are not verbs with a subject.

    def colon(self) -> None:
        """Smith: “…”"""
        t = self.t
        for i in range(self.first, min(self.first + 12, self.last - 1)):
            if t.quote[i]:
                return
            if t.words[i] == ":":
                source = (self.first, i)
                if t.quote[i + 1] and self.is_name(source):
                    self.add(source, (i, i + 1), (i + 1, self.last))
                return

    def is_name(self, source: tuple[int, int]) -> bool:
        return source[0] < source[1] <= source[0] + 5 and all(
            self.t.name(i) or self.t.words[i] in ".,-" for i in range(*source)
        )

    def according(self, cue: int, start: int) -> None:
        """According to X, …  and …, according to X."""
        end = self.phrase_end(start)
        if end == start:
            return
        source, cues = (start, end), (cue, start)
        before = (self.clause_start(cue), cue)
        after = (end, self.last)
        if cue > self.first + 1 and before[1] - before[0] > 1:
            self.add(source, cues, before)
            if end < self.last and self.t.words[end] == "," and self.last - end > 3:
                self.add(source, cues, after)
        else:
            self.add(source, cues, after)
        self.main = self.main or source

    def in_words(self, i: int) -> None:
        """in X's words, …  /  in the words of X, …"""
        t = self.t
        end = min(i + 9, self.last)
        words = next((j for j in range(i + 2, end) if t.lower[j] in ("words", "view", "opinion")), None)
        if words is None or any(t.words[j] in ",;:" or t.quote[j] for j in range(i, words)):
            return
        if t.lower[i + 1] == "the" and words == i + 2 and words + 1 < self.last and t.lower[words + 1] == "of":
            stop = self.phrase_end(words + 2)
            source, cue = (words + 2, stop), (i, words + 2)
        elif t.lower[words - 1] in ("’s", "'s") or t.lower[words - 1] in ("his", "her", "their") and words == i + 2:
            source, cue, stop = (i + 1, words), (words, words + 1), words + 1
        else:
            return
        if source[0] < source[1]:
            self.add(source, cue, (stop, self.last) if stop + 2 < self.last else (self.first, i))

    def put_it(self, i: int) -> None:
        """as X put it"""
        t = self.t
        put = next((j for j in range(i + 2, min(i + 8, self.last - 1)) if t.lower[j] in ("put", "puts")), None)
        if put is not None and t.lower[put + 1] == "it" and (source := self.subject(put)) is not None:
            self.add(source, (i, put + 2), (put + 2, self.last) if put + 4 < self.last else (self.first, i))

    def after_quotation(self, i: int) -> None:
        """“…,” Bennett shot back.  Behind a quotation that ends in a comma even an unknown verb is a cue."""
        t = self.t
        inner = i - 2 if t.words[i - 1] in _CLOSE or t.words[i - 1] == '"' else i - 1
        if inner < self.first or t.words[inner] not in ",?!—" or any(f.content.end > t.starts[inner] for f in self.found):
            return
        stop = i
        while stop < self.last and (t.name(stop) or stop == i and t.lower[stop] in ("he", "she")) and not t.quote[stop]:
            stop += 1
        if i == stop or stop >= self.last or not t.words[stop][0].islower() or any(f.cue.start >= t.starts[i] for f in self.found):
            return
        word = t.lower[stop]
        if word in _NOT_NAMES or not (word[-2:] in ("ed", "es") or word[-1] == "s" or word in ("shot", "went", "began")):
            return
        self.add((i, stop), (stop, stop + 1), (self.clause_start(i), i))

    # Cues that are verbs.

    def verb(self, i: int, verb: _Verb) -> None:
        t = self.t
        if i + 1 < self.last and t.lower[i + 1] == "by" and verb.form == "past":
            return  # "a report released by"
        if verb.saying and self.inverted(i):
            return
        source = self.subject(i)
        if source is None:
            return
        if t.lower[i] in _NOUNISH and not self.fits(source, verb):
            return
        cue = (i, i + 1)
        before_end = source[0]
        start = i + 1
        if t.lower[i] in ("told", "tells", "tell", "assured", "assures", "reminded", "warned", "asked"):
            start = self.skip_object(start)
        before = self.content_before(before_end) if verb.saying else None
        goes_on = start < self.last and t.words[start] not in ",.;:—" and t.lower[start] not in _TAIL_STARTS
        goes_on = goes_on or start < self.last and t.words[start] not in ",.;:—" and self.that(start) is not None
        if before and goes_on and not (t.quote[before[1] - 1] or t.quote[before[1] - 2]):
            before = None  # "After the vote failed, Smith said that …"
        after = self.content_after(start, verb, before is not None)
        self.main = source
        if before:
            self.add(source, cue, before)
        if after:
            self.add(source, cue, after)
        elif not before and t.words[self.last - 1] == ":":
            self.lead_in(source, cue)

    def lead_in(self, source: tuple[int, int], cue: tuple[int, int]) -> None:
        """"Cruz continued:" at the end of a paragraph: what he said is the next paragraph."""
        t = self.t
        ahead = self.number + 1
        if ahead >= len(t.spans) or t.paragraph[ahead] == t.paragraph[self.number]:
            return
        stop = ahead
        while stop + 1 < len(t.spans) and t.paragraph[stop + 1] == t.paragraph[ahead]:
            stop += 1
        content = Span(t.spans[ahead].start, t.spans[stop].end)
        self.found.append(Found(self.number, t.span(*source), t.span(*cue), content))

    def fits(self, source: tuple[int, int], verb: _Verb) -> bool:
        """Whether the subject agrees with a form that is also a noun ("the minister's hopes", "reports")."""
        t = self.t
        last = t.lower[source[1] - 1]
        if last in ("they", "we", "you", "i") or last == "who":
            return True
        if verb.form == "third":
            return last in ("he", "she", "it") or t.name(source[1] - 1) and t.lower[source[0]] not in ("the", "a", "an")
        if verb.form == "base":
            return last.endswith("s") and not t.name(source[1] - 1)
        return True

    def inverted(self, i: int) -> bool:
        """“…,” said X.  The source follows the cue."""
        t = self.t
        if i + 1 >= self.last or t.quote[i + 1]:
            return False
        if t.lower[i] in ("told", "tells", "tell"):
            return False
        opens = i == self.first
        ends = i > self.first and (t.words[i - 1] in ",?!—" or bool(t.quote[i - 1]))
        if not (opens or ends):
            return False
        word = t.lower[i + 1]
        if not (t.name(i + 1) or word in _DETERMINERS or word in _HE or word in _SHE or word == "they"):
            return False
        if not (ends and t.quote[i - 1]):
            # ", said the minister" is inverted; "Smith, 45, said the bill" is not: the phrase must end the clause.
            stop = self.phrase_end(i + 1)
            if stop < self.last and t.words[stop] not in ",.;:(" and t.lower[stop] not in _TIME:
                return False
        stop = self.phrase_end(i + 1)
        if stop == i + 1:
            return False
        source, cue = (i + 1, stop), (i, i + 1)
        self.main = source
        if (before := self.content_before(i)) is not None:
            self.add(source, cue, before)
        quoted = next((j for j in range(stop, self.last) if t.quote[j]), None)
        if quoted is not None:
            self.add(source, cue, (quoted, self.last))
        elif opens and t.words[min(stop, self.last - 1)] == ":":
            self.add(source, cue, (stop, self.last))
        return True

    def gerund(self, i: int, source: tuple[int, int] | None) -> None:
        """…, adding that …  /  Noting that …, Wang said …"""
        t = self.t
        if i > self.first and (t.lower[i - 1] in _BE or t.lower[i - 1] in ("of", "the", "a", "without", "for", "not")):
            if t.lower[i - 1] not in _BE:
                return
            source = self.subject(i - 1)
        elif i > self.first and t.lower[i - 1] == "as":
            # was quoted as saying
            if i - 2 < self.first or t.lower[i - 2] not in ("quoted", "cited"):
                return
            source = self.subject(i - 2, passive=True)
            if source is not None and (before := self.content_before(source[0])) is not None:
                self.add(source, (i - 2, i + 1), before)
                return
        elif i > self.first and t.name(i - 1) and not t.quote[i - 1]:
            start = self.run_start(i - 1)
            if start == self.first or t.lower[start - 1] not in ("with", "and", ","):
                return
            self.main = source = (start, i)  # ", with Donald Trump tweeting that"
        elif i > self.first and t.words[i - 1] not in ",;—–-)" and t.lower[i - 1] not in ("and", "while", "also", "by", "statement", "tweet"):
            return
        if source is None:
            return
        start = i + 1
        if t.lower[i] in ("telling", "assuring", "warning"):
            start = self.skip_object(start)
        verb = _VERBS[t.lower[i]]
        if i == self.first or (i == self.first + 1 and t.lower[self.first] == "in"):
            # An opening participle reaches to the comma before the subject.
            if source[0] <= i:
                return
            end = source[0]
            if start < end:
                self.add(source, (i, i + 1), (start + (t.lower[start] == "that"), end))
        elif (after := self.content_after(start, verb, False)) is not None:
            self.add(source, (i, i + 1), after)

    # Parts of the sentence around a cue.

    def subject(self, i: int, passive: bool = False) -> tuple[int, int] | None:
        """The noun phrase that is the subject of the verb at ``i``, or None where the rules cannot tell."""
        t = self.t
        j = i - 1
        linked = False
        while j >= self.first and not t.quote[j]:
            word = t.lower[j]
            if word in _NEGATION or word in _MODALS:
                return None
            if word in _BE:
                if not passive and t.words[i][-3:] != "ing":
                    return None
                linked = True
            elif word in _AUXILIARIES:
                if word in ("’s", "'s") and not (j > self.first and t.lower[j - 1] in _PRONOUNS):
                    break
                linked = True
            elif word == "and" and j - 1 >= self.first and self.shares_subject(j):
                return self.main
            elif word not in _ADVERBS:
                break
            j -= 1
        del linked
        if j < self.first or t.quote[j]:
            return None
        if t.words[j] == ")":
            opening = next((k for k in range(j - 1, max(self.first, j - 12) - 1, -1) if t.words[k] == "("), None)
            if opening is None or opening == self.first:
                return None
            j = opening - 1
        if t.words[j] in ",—–" or t.words[j] == "--":
            return self.apposition(j)
        return self.phrase(j)

    def shares_subject(self, conjunction: int) -> bool:
        """X said A and added B: the same subject, when the verb stands right behind the conjunction."""
        return self.main is not None and self.main[1] <= conjunction

    def phrase(self, j: int) -> tuple[int, int] | None:
        """The noun phrase that ends at ``j``."""
        t = self.t
        word = t.lower[j]
        if word in _PRONOUNS:
            if word in ("which", "that", "one"):
                return None
            return None if j > self.first and t.lower[j - 1] == "what" else (j, j + 1)
        if t.name(j):
            start = self.run_start(j)
            before = t.lower[start - 1] if start > self.first else ""
            if before in ("of", "for", "with", "from", "at", "in", "to", "on", "by") and start - 2 >= self.first:
                return self.outer(start - 1, j)
            if before == "and" and start - 2 >= self.first and t.name(start - 2):
                return (self.run_start(start - 2), j + 1)
            if before in ("’s", "'s", "’", "'") and start - 2 >= self.first:
                owner = self.run_start(start - 2)
                if owner > self.first and t.lower[owner - 1] == "and":
                    return None  # "Matthews and Reuters’ Luciana Lopez"
                return (start, j + 1)
            if before == "what":
                return None  # "what Trump calls"
            if before in _PREPOSITIONS:
                return None
            if before in _DETERMINERS:
                return (start - 1, j + 1)
            # Lower-case titles belong to the phrase: "campaign manager Robby Mook".
            k = start - 1
            while k >= self.first and start - k <= 6 and (t.lower[k] in _ROLES or t.lower[k] in ("campaign", "policy", "senior", "former")):
                k -= 1
            return (k + 1, j + 1)
        if not word[0].isalpha() or word in _NOT_NAMES or word in _VERBS and word not in ("reports", "posts"):
            return None
        start = j
        while start > self.first and j - start < 8:
            before = t.lower[start - 1]
            if t.quote[start - 1] or t.words[start - 1] in ",;:()—–" or before in _CLAUSE_STARTS or before in _PREPOSITIONS:
                break
            if before in _PRONOUNS or before in _BE:
                return None
            start -= 1
            if before in _DETERMINERS:
                if start - 1 > self.first and t.lower[start - 1] == "of":
                    return self.outer(start - 1, j)
                break
        before = t.lower[start - 1] if start > self.first else ""
        if before in ("of", "for", "with", "from", "at", "in", "to"):
            return self.outer(start - 1, j)
        if before in _PREPOSITIONS:
            return None
        return (start, j + 1)

    def outer(self, preposition: int, end: int) -> tuple[int, int] | None:
        """The phrase "a spokesman for Trump", "the Bank of England" whose last words follow ``preposition``."""
        t = self.t
        head = preposition - 1
        if t.quote[head] or not t.words[head][0].isalpha() or t.lower[head] in _NOT_NAMES:
            return None
        inner = self.phrase(head)
        if inner is None or t.lower[head] in _PRONOUNS:
            return None
        # "On Tuesday in Ohio Trump": without a determiner, a role or a name before it there is no phrase to belong to.
        opens = t.lower[inner[0]] in _DETERMINERS or t.name(inner[0]) or t.lower[head] in _ROLES or t.lower[head].endswith("s")
        return (inner[0], end + 1) if opens else None

    def run_start(self, j: int) -> int:
        t = self.t
        start = j
        while start > self.first and not t.quote[start - 1]:
            if t.name(start - 1):
                start -= 1
            elif start - 2 >= self.first and t.lower[start - 1] in _PARTICLES and t.name(start - 2):
                start -= 2
            else:
                break
        return start

    def apposition(self, comma: int) -> tuple[int, int] | None:
        """The X of "X, also a member of …, said", where ``comma`` is the one before the verb."""
        t = self.t
        for j in range(comma - 1, max(self.first, comma - 45), -1):
            if t.quote[j]:
                continue
            if t.words[j] not in ",—–" or j - 1 < self.first:
                continue
            head = j - 1
            if t.words[head] == ")":
                head = next((k for k in range(head, self.first, -1) if t.words[k] == "("), head) - 1
            if t.lower[head] in ("he", "she") and not t.quote[head]:
                return (head, head + 1)
            if not t.name(head) or t.quote[head]:
                if all(t.name(k) for k in range(j + 1, comma)) and not t.quote[j]:
                    return (j + 1, comma)  # "the senator's attorney, Thomas Coan, argued"
                if t.lower[head] in _ROLES or t.lower[head] in _INSTITUTIONS:
                    return self.phrase(head)
                continue
            start = self.run_start(head)
            before = t.lower[start - 1] if start > self.first else ""
            if before in _PREPOSITIONS or before in _DETERMINERS and start - 2 >= self.first and t.lower[start - 2] in _PREPOSITIONS:
                continue
            opens = j + 1 < comma and (
                t.lower[j + 1] in _DETERMINERS
                or t.lower[j + 1] in ("who", "whose", "also", "then", "now", "which", "speaking", "himself")
                or t.words[j + 1][0].isdigit()
                or t.lower[j + 1] in _ROLES
                or t.lower[j + 1] in ("former", "senior")
                or t.lower[j + 1].endswith(("ing", "ed"))
                or t.lower[j + 1] in _PREPOSITIONS
                or j + 3 >= comma
            )
            if opens:
                return (start, head + 1)
        return None

    def subject_of_sentence(self, i: int) -> tuple[int, int] | None:
        """The name or pronoun that opens the sentence, as the subject of a participle further on."""
        t = self.t
        start = self.first
        while start < i and (t.lower[start] in ("and", "but", "so", "then", "later", "meanwhile", "instead", ",") or t.lower[start] in _ADVERBS):
            start += 1
        if start < i and t.lower[start] in _PREPOSITIONS:
            comma = next((k for k in range(start, min(start + 9, i)) if t.words[k] == ","), None)
            start = comma + 1 if comma is not None else start
        if start >= i or t.quote[start]:
            return None
        if t.lower[start] in ("he", "she"):
            return (start, start + 1)
        stop = start
        while stop < i and t.name(stop) and not t.quote[stop]:
            stop += 1
        title = stop
        while title < i and (t.lower[title] in _ROLES or t.lower[title] in ("presidential", "campaign", "senior", "former")):
            title += 1
        if stop < title < i and t.name(title):
            stop = title
            while stop < i and t.name(stop) and not t.quote[stop]:
                stop += 1
        if stop == start or stop >= i or stop - start > 8 or not t.words[stop][0].islower() and t.words[stop] != ",":
            return None
        if t.lower[stop] in _CLAUSE_STARTS or t.lower[stop] in _PREPOSITIONS or t.lower[stop] in ("’s", "'s"):
            return None
        # Another possible subject in between makes it a guess.
        if any(t.name(k) and t.lower[k - 1] in ("and", "while", "but", "that") for k in range(stop + 1, i)):
            return None
        return (start, stop)

    def phrase_end(self, start: int) -> int:
        """Past the end of the noun phrase that begins at ``start``, apposition and all prepositions left out."""
        t = self.t
        j = start
        while j < self.last and not t.quote[j]:
            word = t.lower[j]
            if t.words[j] in ",;:.!?()—–" or word == "--" or word in _TIME or word in _BE or word in _MODALS:
                break
            if word in _PRONOUNS:
                return j + 1 if j == start else j
            if word in _CLAUSE_STARTS and j > start and not (word == "and" and j + 1 < self.last and t.name(j + 1)):
                break
            if word in _PREPOSITIONS and j > start and word not in ("of", "for", "at", "from", "with", "in", "by"):
                break
            if word in _VERBS and j > start and word not in ("report", "reports", "statement", "post", "posts", "state"):
                break
            j += 1
        while j > start and t.lower[j - 1] in _PREPOSITIONS:
            j -= 1
        return j

    def clause_start(self, end: int) -> int:
        """Where the clause that ends at ``end`` begins: past an opening "But" or "And"."""
        t = self.t
        start = self.first
        while start < end and not t.quote[start] and t.lower[start] in ("but", "and", "so", "yet", "still", "however", ","):
            start += 1
        return start

    def content_before(self, end: int) -> tuple[int, int] | None:
        """What stands before a source that follows its content: it ends in a comma or a closing mark."""
        t = self.t
        if end <= self.first:
            return None
        closing = t.words[end - 1] in ",?!—–" or t.words[end - 1] == "--" or bool(t.quote[end - 1])
        start = self.clause_start(end)
        if not closing or end - start < 2:
            return None
        if not any(t.quote[k] for k in range(start, end)):
            # "On Tuesday, …": an adverbial, not a clause.
            word = t.lower[start]
            if word in _PREPOSITIONS and end - start < 12 or word in _TIME or end - start < 4:
                return None
        return (start, end)

    def content_after(self, start: int, verb: _Verb, before: bool) -> tuple[int, int] | None:
        """What stands behind the cue, from ``start``; with content before it, only what clearly goes on."""
        t = self.t
        last = self.last
        if start >= last:
            return None
        quoted = next((j for j in range(start, last) if t.quote[j]), None)
        word = t.lower[start]
        if before:
            if t.words[start] in ",:.;—":
                # “A,” he said, “B.”   The bill, he said, is dead.
                if start + 1 < last and (t.quote[start + 1] or quoted is not None and quoted - start < 12):
                    return (quoted if quoted is not None else start + 1, last)
                rest = start + 1
                if rest < last and t.words[start] == "," and self.goes_on(rest):
                    return (rest, last)
                return None
            if quoted is not None and (quoted == start or t.words[quoted - 1] in ",:"):
                return (quoted, last)
            return None
        if word == "that":
            return (start + 1, last)
        if t.words[start] == ":" or t.quote[start]:
            return (start + (t.words[start] == ":"), last)
        if t.words[start] == ",":
            return (quoted, last) if quoted is not None and quoted - start < 25 else None
        if word in _TAIL_STARTS and verb.saying:
            that = self.that(start)
            if that is not None and (quoted is None or that < quoted):
                return (that + 1, last)
            if quoted is not None:
                return (quoted, last)
            return (start, last) if last - start > 4 else None
        return (start, last) if last - start >= 2 else None

    def that(self, start: int) -> int | None:
        """The "that" of "said on Monday in Ohio that …"."""
        t = self.t
        return next((j for j in range(start, min(start + 25, self.last)) if t.lower[j] == "that" and not t.quote[j]), None)

    def goes_on(self, start: int) -> bool:
        """Whether what follows a parenthetic cue is the rest of the content rather than a participle or an aside."""
        t = self.t
        word = t.lower[start]
        if self.last - start < 3 or word in _TAIL_STARTS and word not in ("because", "and", "but"):
            return False
        return not (word.endswith("ing") or word in ("who", "which", "where", "a", "an", "citing", "according"))

    def skip_object(self, start: int) -> int:
        """Past the listener of "told reporters that …"."""
        t = self.t
        for j in range(start, min(start + 22, self.last)):
            if t.quote[j] or t.lower[j] == "that" or t.words[j] in ",:":
                return j
        j = start
        if j < self.last and (t.lower[j] in _DETERMINERS or t.lower[j] in _HE | _SHE | {"them", "us", "me"}):
            j += 1
        while j < self.last and t.name(j):
            j += 1
        if j == start or j < self.last and t.lower[j - 1] in _DETERMINERS:
            j += 1
        return min(j, self.last)


# --- Layer two: whose words they are ----------------------------------------------------------------------------------


def name_tokens(name: str) -> tuple[str, ...]:
    """The words of a name for comparison: case and accents folded, honorifics, roles and possessives dropped."""
    flat = unicodedata.normalize("NFKD", name.replace("’", "'"))
    flat = "".join(c for c in flat if not unicodedata.combining(c)).casefold()
    flat = flat.translate({ord("ł"): "l", ord("ø"): "o", ord("đ"): "d", ord("ı"): "i"})
    words = [word.removesuffix("'s") for word in flat.replace(",", " ").split()]
    kept = [w.strip(".'\"") for w in words if w not in _ROLES and w + "." not in _ROLES and w != "the"]
    return tuple(w for w in kept if w)


def same_person(a: str, b: str) -> bool:
    """Whether two names can be one person's: every word of the shorter stands in the longer, in order, and the two
    agree where they begin or end ("Lavrov", "Sergei Lavrov"; "Wang", "Wang Yi"; not "Michelle Obama", "Barack Obama").
    """
    short, long = sorted((_core(name_tokens(a)), _core(name_tokens(b))), key=len)
    if not short:
        return False
    if len(short) == 1:
        return short[0] in (long[0], long[-1])
    return short[-1] == long[-1] and _in_order(short, long)


def _core(words: tuple[str, ...]) -> tuple[str, ...]:
    """A name without "Jr." and the like."""
    kept = tuple(w for w in words if w not in _SUFFIXES)
    return kept or words


def _in_order(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether ``short`` is ``long`` with words left out; an initial stands for its word."""
    rest = iter(long)
    return all(any(w == s or len(s) == 1 and w.startswith(s) or len(w) == 1 and s.startswith(w) for w in rest) for s in short)


@dataclass(slots=True)
class _Person:
    """Somebody the article names. ``titles`` are the lower-case role words that were seen with the name."""

    name: str
    words: tuple[str, ...]
    first: int  # the token of the first mention
    sure: bool  # a title, a known given name or reported speech makes it a person; a capitalised phrase alone does not
    gender: Literal["he", "she", ""] = ""
    titles: set[str] = field(default_factory=set[str])
    courtesy: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class _Run:
    """A capitalised phrase: tokens ``start`` to ``end``, of which those from ``name`` on are the name."""

    start: int
    name: int
    end: int
    kind: Literal["person", "thing", "unknown", "role"]


class _People:
    """The people and organisations of one article, in the order in which they are introduced."""

    def __init__(self, tokens: _Tokens) -> None:
        self.t = tokens
        self.people: list[_Person] = []
        self.by_word: dict[str, list[_Person]] = {}
        self.things: list[tuple[int, str]] = []
        self.mentions: list[tuple[int, int, _Person | None]] = []  # start, end, who (None: one of several), by position
        self.runs = [run for first, last in tokens.bounds for run in _runs(tokens, first, last)]
        for run in self.runs:
            self.introduce(run)
        self.late = {run.start: run for run in self.runs}
        for run in self.runs:
            if run.kind != "role" and (who := self.candidates(run)):
                self.mentions.append((run.start, run.end, who[0] if len(who) == 1 else None))
        self.mention_starts = [start for start, _, _ in self.mentions]
        self.learn_gender()

    def introduce(self, run: _Run) -> None:
        t = self.t
        if run.kind == "thing":
            self.things.append((run.start, " ".join(t.words[run.name : run.end])))
            return
        if run.kind == "role":
            return
        words = _core(name_tokens(" ".join(t.words[run.name : run.end])))
        if not words:
            return
        titles = {t.lower[i] for i in range(run.start, run.name)}
        k = run.start - 1
        while k >= 0 and run.start - k <= 4 and (t.lower[k] in _ROLES or t.lower[k] in ("campaign", "former", "ex")):
            titles.add(t.lower[k])
            k -= 1
        if "former" in titles or "ex" in titles or run.start and t.lower[run.start - 1].startswith(("former", "ex-")):
            titles = {f"former {title}" for title in titles if title not in _COURTESY} | (titles & _COURTESY)
        titles |= self.appositive(run.end)
        sure = run.kind == "person" or bool(titles & _ROLES)
        gender = "she" if titles & _FEMALE else "he" if titles & _MALE else ""
        if not gender and len(words) > 1:
            gender = "he" if words[0] in _MEN else "she" if words[0] in _WOMEN else ""
        person = self.known(words, gender)
        if person is None:
            if len(words) == 1 and not sure:
                return
            if len(words) == 1 and self.by_word.get(words[0]):
                return  # a bare surname of somebody named before, or of several: no new person
            person = _Person(" ".join(t.words[run.name : run.end]), words, run.start, sure)
            self.people.append(person)
            for word in {words[0], words[-1]}:
                self.by_word.setdefault(word, []).append(person)
        elif len(words) > len(person.words):
            for word in {words[0], words[-1]} - {person.words[0], person.words[-1]}:
                self.by_word.setdefault(word, []).append(person)
            person.name, person.words = " ".join(t.words[run.name : run.end]), words
        person.sure = person.sure or sure
        person.gender = person.gender or gender
        person.titles |= titles & _SPECIFIC | {x for x in titles if x.startswith("former ")}
        person.courtesy |= titles & _COURTESY

    def known(self, words: tuple[str, ...], gender: str) -> _Person | None:
        """The person introduced before under the same name, longer or shorter."""
        same: list[_Person] = []
        for person in self.by_word.get(words[-1], ()):
            if len(words) == 1 or len(person.words) == 1:
                fits = len(person.words) == len(words) or person.words[-1] == words[-1] and len(person.words) < len(words)
            else:
                short, long = sorted((words, person.words), key=len)
                fits = short[0] == long[0] and short[-1] == long[-1] and _in_order(short, long)
            if fits and not (gender and person.gender and gender != person.gender):
                same.append(person)
        return same[0] if len(same) == 1 else None

    def appositive(self, end: int) -> set[str]:
        """The role words of "…, the Russian foreign minister," right behind a name."""
        t = self.t
        if end + 2 >= len(t.words) or t.words[end] != ",":
            return set()
        titles: set[str] = set()
        former = ""
        for i in range(end + 1, min(end + 10, len(t.words))):
            word = t.lower[i]
            if t.words[i] in ",.;:" or word in ("who", "said") or word in _BE:
                break
            if word in ("of", "for", "at", "in", "and", "to"):
                break
            if word.startswith(("former", "ex-")):
                former = "former "
            if t.name(i) and word not in _ROLES and word not in _AFFILIATIONS and i == end + 1:
                return set()
            if word in _ROLES:
                titles.add(former + word)
        return titles

    def candidates(self, run: _Run) -> list[_Person]:
        """Everybody a capitalised phrase can stand for."""
        t = self.t
        words = _core(name_tokens(" ".join(t.words[run.name : run.end])))
        if not words or run.kind == "thing":
            return []
        titles = {t.lower[i] for i in range(run.start, run.name)}
        if len(words) > 1:
            return [p for p in self.by_word.get(words[-1], ()) if len(p.words) > 1 and _same(words, p.words)]
        # Only people the reader has met by now, unless there are none yet.
        named = self.by_word.get(words[0], [])
        by_surname = [p for p in named if p.words[-1] == words[0]] or [p for p in named if p.words[0] == words[0]]
        if any(p.words[0] == words[0] and p.words[-1] != words[0] and len(p.words) == 2 and p.gender == "" for p in named):
            by_surname = named  # a surname-first name ("Wang Yi") beside a surname-last one
        met = [p for p in by_surname if p.first <= run.start] or by_surname
        if len(met) > 1:
            gender = "she" if titles & _FEMALE else "he" if titles & _MALE else ""
            if gender:
                met = [p for p in met if p.gender == gender] or [p for p in met if not p.gender]
            elif special := titles & _SPECIFIC:
                met = [p for p in met if p.titles & special]
        return met

    def learn_gender(self) -> None:
        """A pronoun in a sentence that names one person only tells that person's gender; contradictions cancel."""
        t = self.t
        votes: dict[int, list[int]] = {}
        place = 0
        for first, last in t.bounds:
            names: list[tuple[int, _Person | None]] = []
            while place < len(self.mentions) and self.mentions[place][0] < last:
                names.append((self.mentions[place][1], self.mentions[place][2]))
                place += 1
            person = names[0][1] if names else None
            if person is None or person.gender or any(other is not person for _, other in names):
                continue
            for i in range(names[0][0], last):
                if not t.quote[i] and (t.lower[i] in _HE or t.lower[i] in _SHE):
                    votes.setdefault(id(person), [0, 0])[t.lower[i] in _SHE] += 1
        for person in self.people:
            he, she = votes.get(id(person), (0, 0))
            if not person.gender and (he == 0) != (she == 0):
                person.gender = "he" if he else "she"

    def named_in(self, first: int, last: int) -> list[tuple[int, int, _Person | None]]:
        """The people mentioned between two tokens, outside quotations, in order."""
        found: list[tuple[int, int, _Person | None]] = []
        for k in range(bisect_left(self.mention_starts, first), len(self.mentions)):
            if self.mentions[k][0] >= last:
                break
            if not self.t.quote[self.mentions[k][0]]:
                found.append(self.mentions[k])
        return found


def _same(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    short, long = sorted((a, b), key=len)
    return short[-1] == long[-1] and short[0] == long[0] and _in_order(short, long)


def _runs(t: _Tokens, first: int, last: int) -> Iterable[_Run]:
    """The capitalised phrases of a sentence, each cut into role words and name."""
    i = first
    while i < last:
        if not t.name(i):
            i += 1
            continue
        start = i
        i += 1
        while i < last and t.quote[i] == t.quote[start]:
            if t.name(i):
                i += 1
            elif i + 1 < last and t.lower[i] in _PARTICLES and t.name(i + 1):
                i += 2
            else:
                break
        # Names joined by "of" are things: "Bank of England".
        if i + 1 < last and t.lower[i] in ("of", "for") and (t.name(i + 1) or t.lower[i + 1] == "the" and i + 2 < last and t.name(i + 2)):
            words = {t.lower[k] for k in range(start, i)}
            if words & _THINGS or not words & _ROLES:
                end = i + 1 + (t.lower[i + 1] == "the")
                while end < last and t.name(end):
                    end += 1
                yield _Run(start, start, end, "thing")
                i = end
                continue
        yield _run(t, start, i)


def _run(t: _Tokens, start: int, end: int) -> _Run:
    words = t.lower[start:end]
    name = start
    for k in range(start, end):
        if t.lower[k] in _ROLES and not (k == end - 1 and k == start):
            name = k + 1
    if name >= end:
        return _Run(start, end, end, "role")
    if words[-1] in _GROUPS:
        return _Run(start, end, end, "role")  # "Senate Republicans": nobody by name
    roles = name > start
    while name < end - 1 and t.lower[name] in _AFFILIATIONS:
        name += 1
    rest = t.lower[name:end]
    if roles and len(rest) <= 4 and not set(rest) & _THINGS:
        return _Run(start, name, end, "person")
    if set(words) & _THINGS or len(rest) > 5:
        return _Run(start, start, end, "thing")
    if len(rest) == 1:
        word = t.words[name]
        if word.isupper() and len(word) > 1 or rest[0] in _AFFILIATIONS:
            return _Run(start, start, end, "thing")
        return _Run(start, name, end, "unknown")
    given = rest[0] in _MEN or rest[0] in _WOMEN
    if any(t.words[k].isupper() and len(t.words[k]) > 2 and "." not in t.words[k] for k in range(name, end)) and not given:
        return _Run(start, start, end, "thing")
    return _Run(start, name, end, "person" if given else "unknown")


@dataclass(frozen=True, slots=True)
class _Voice:
    """A resolved speaker: a person, an organisation by name, or (both empty) somebody who cannot be named."""

    name: str = ""
    person: _Person | None = None


_UNKNOWN = _Voice()


class _Resolver:
    """Names the sources of an article, sentence by sentence in reading order."""

    def __init__(self, tokens: _Tokens) -> None:
        self.t = tokens
        self.people = _People(tokens)
        self.spoke: dict[int, _Voice] = {}  # the last voice of each sentence that reports speech

    def voice(self, found: Found) -> _Voice:
        if found.source is None:
            return _UNKNOWN
        places = self.t.within(found.source)
        if not places:
            return _UNKNOWN
        start, end = places.start, places.stop
        word = self.t.lower[start]
        if end - start == 1 and word in _PRONOUNS:
            if word in ("he", "she"):
                person = self.pronoun(start, word, found)
                return _Voice(person.name, person) if person else _UNKNOWN
            if word == "who" and start:
                return self.antecedent(start)
            if word == "it":
                return self.institution_before(found.sentence)
            return _UNKNOWN
        return self.phrase(start, end)

    def phrase(self, start: int, end: int) -> _Voice:
        """The voice of a noun phrase: its head decides, "a spokesman for Trump" is not Trump."""
        t = self.t
        runs = self.runs(start, end)
        stop = next((i for i in range(start, end) if t.words[i] in ",;(—" or t.words[i] == "--"), end)
        link = next(
            (i for i in range(start + 1, stop) if t.lower[i] in _PREPOSITIONS and not any(r.start < i < r.end for r in runs)), stop
        )
        if any(t.lower[i] == "and" and not any(r.start < i < r.end for r in runs) for i in range(start, link)):
            return _UNKNOWN
        head = [run for run in runs if run.end <= link]
        if head and head[-1].end == link:
            return self.run(head[-1])
        if stop < end and (named := [run for run in runs if run.start == stop + 1]) and named[0].kind == "person":
            return self.run(named[0])  # "the minister, Sergei Lavrov"
        return self.common(start, link, head)

    def runs(self, start: int, end: int) -> list[_Run]:
        found = [self.people.late[i] for i in range(start, end) if i in self.people.late]
        if not found and any(self.t.name(i) for i in range(start, end)):
            found = list(_runs(self.t, start, end))
        return found

    def run(self, run: _Run) -> _Voice:
        t = self.t
        if run.kind == "role":
            return self.role({t.lower[i] for i in range(run.start, run.end)}, run.start)
        name = " ".join(t.words[run.name : run.end])
        if run.kind == "thing":
            return _Voice(self.joined(run.name, run.end))
        found = self.people.candidates(run)
        if len(found) == 1:
            return _Voice(found[0].name, found[0])
        if found:
            return _UNKNOWN
        words = name_tokens(name)
        if words and self.people.by_word.get(words[-1]):
            return _UNKNOWN if len(words) == 1 else _Voice(name)
        return _Voice(self.joined(run.name, run.end))

    def joined(self, start: int, end: int) -> str:
        return " ".join(self.t.text[self.t.starts[start] : self.t.ends[end - 1]].split())

    def common(self, start: int, end: int, head: list[_Run]) -> _Voice:
        """The voice of "the minister", "the foreign ministry", "the Clinton campaign"."""
        t = self.t
        if end <= start:
            return _UNKNOWN
        noun = t.lower[end - 1]
        definite = t.lower[start] in ("the", "that", "this")
        if noun in _INSTITUTIONS:
            if head and head[-1].end == end - 1 and (definite or head[-1].start == start):
                return _Voice(self.joined(head[-1].start, end))  # "the Clinton campaign"
            if not definite:
                return _UNKNOWN
            wanted = [t.words[i] for i in range(start + 1, end)]
            return self.institution(wanted, start)
        if definite and noun in _SPECIFIC and not head:
            former = any(t.lower[i].startswith(("former", "ex-")) for i in range(start, end))
            return self.role({("former " if former else "") + noun}, start)
        return _UNKNOWN

    def role(self, words: set[str], place: int) -> _Voice:
        """The one person introduced so far under the role."""
        wanted = {w for w in words if w in _SPECIFIC or w.startswith("former ")}
        if not wanted:
            return _UNKNOWN
        found = [p for p in self.people.people if p.first < place and wanted <= p.titles]
        return _Voice(found[0].name, found[0]) if len(found) == 1 else _UNKNOWN

    def institution(self, words: list[str], place: int) -> _Voice:
        wanted = [word.lower() for word in words]
        names = {name for at, name in self.people.things if at < place and _contains(name.lower().split(), wanted)}
        names = {name for name in names if not any(name != other and name in other for other in names)}
        if len(names) == 1:
            return _Voice(names.pop())
        return _Voice(" ".join(words)) if not names and len(words) > 1 else _UNKNOWN

    def institution_before(self, sentence: int) -> _Voice:
        """The "it" of "…, it added": the organisation that spoke in the sentence before."""
        voice = self.spoke.get(sentence) or self.spoke.get(sentence - 1)
        return voice if voice and voice.name and voice.person is None else _UNKNOWN

    def antecedent(self, who: int) -> _Voice:
        """Who "who" is: the name right before it."""
        t = self.t
        end = who - 1 if t.words[who - 1] == "," else who
        for run in reversed(self.runs(max(0, end - 8), end)):
            between = range(run.end, end)
            if run.end == end or all(t.words[i] in ",.()" or t.name(i) or t.words[i][0].isdigit() for i in between):
                before = t.lower[run.start - 1] if run.start else ""
                if before in _PREPOSITIONS:
                    end = run.start - 1  # "Senator Bernie Sanders of Vermont, who": the name before, if it is right there
                    continue
                return self.run(run)
            break
        return _UNKNOWN

    def pronoun(self, place: int, word: str, found: Found) -> _Person | None:
        """Who a "he" or "she" is, or None where two people suit equally well."""
        t, people = self.t, self.people
        first, _ = t.bounds[found.sentence]

        if (before := self.spoke.get(found.sentence)) and before.person and _suits(before.person, word):
            return before.person  # "…, Wang said, adding that he …": the voice of the sentence so far
        content = t.within(found.content)
        if not content or content.start > place:
            # A cue before its content: people named earlier in the sentence come first.
            person, settled = self.choose(people.named_in(first, place), word)
            if settled:
                return person
        for sentence in range(found.sentence - 1, max(-1, found.sentence - 8), -1):
            start, end = t.bounds[sentence]
            named = people.named_in(start, end)
            spoke = self.spoke.get(sentence)
            if spoke is not None:
                if spoke.person is not None and _suits(spoke.person, word):
                    return spoke.person
                if spoke.person is None and not spoke.name and not named and self.all_quoted(sentence):
                    return None
            if t.paragraph[found.sentence] - t.paragraph[sentence] > 3:
                return None
            person, settled = self.choose(named, word)
            if settled:
                return person
        return None

    def all_quoted(self, sentence: int) -> bool:
        first, last = self.t.bounds[sentence]
        return first < last and bool(self.t.quote[first]) and bool(self.t.quote[last - 1])

    def choose(self, named: list[tuple[int, int, _Person | None]], word: str) -> tuple[_Person | None, bool]:
        """The one suitable person of a sentence; and whether the sentence settles it (also by being ambiguous)."""
        fitting: list[_Person] = []
        for _, end, person in named:
            if end < len(self.t.words) and self.t.lower[end] in ("’s", "'s", "’", "'"):
                continue
            if person is None:
                return None, True
            if _suits(person, word) and not any(person is other for other in fitting):
                fitting.append(person)
        if len(fitting) > 1:
            known = [p for p in fitting if p.gender == word]
            return (known[0] if len(known) == 1 else None), True
        return (fitting[0], True) if fitting else (None, False)


def _suits(person: _Person, pronoun: str) -> bool:
    return person.sure and person.gender in ("", pronoun)


def _contains(words: Sequence[str], wanted: Sequence[str]) -> bool:
    rest = iter(words)
    return all(any(w == x for w in rest) for x in wanted)


def statements(article: Article, spans: list[Span]) -> list[Statement]:
    """Everything that ``article`` reports somebody as saying, in reading order; ``spans`` are its sentences."""
    tokens = _Tokens(article.text, spans)
    return _link(article, tokens, _find(tokens))


def _link(article: Article, tokens: _Tokens, found: Sequence[Found]) -> list[Statement]:
    resolver = _Resolver(tokens)
    by_sentence: dict[int, list[Found]] = {}
    for item in found:
        by_sentence.setdefault(item.sentence, []).append(item)
    voiced: list[list[tuple[Found, _Voice]]] = []
    for sentence in range(len(tokens.spans)):
        pairs: list[tuple[Found, _Voice]] = []
        for item in by_sentence.get(sentence, ()):
            voice = resolver.voice(item)
            if voice.person is not None:
                voice.person.sure = True
            pairs.append((item, voice))
            resolver.spoke[sentence] = voice
        voiced.append(_untangle(article.text, pairs))
        if voiced[-1]:
            resolver.spoke[sentence] = voiced[-1][-1][1]
    carried = _Carrier(tokens, voiced).voices()
    made: list[Statement] = []
    for sentence, span in enumerate(tokens.spans):
        for item, voice in sorted(voiced[sentence], key=lambda pair: pair[0].content.start):
            kind = _kind(tokens, item.content)
            made.append(Statement(article.id, voice.name, item.content, item.cue, item.source, kind))
        if (voice := carried[sentence]) is not None:
            made.append(Statement(article.id, voice.name, span, kind=_kind(tokens, span)))
    return made


def _untangle(text: str, pairs: list[tuple[Found, _Voice]]) -> list[tuple[Found, _Voice]]:
    """Settles cues within another's content. In "A said X, and B said Y" and "A said X, adding Y" the first content
    ends where the second cue's clause begins; of "A said that B said X" A's claim is kept, but B's where A only relays
    the news ("Reuters reported that Lavrov said …").
    """
    kept = list(pairs)
    for outer, relay in pairs:
        for inner, voice in pairs:
            if inner is outer or not (outer.content.start <= inner.cue.start < outer.content.end):
                continue
            start = inner.cue.start
            if inner.source is not None and outer.content.start <= inner.source.start < start:
                start = inner.source.start
            if start - outer.content.start > 2 and _JOINT.search(text, outer.content.start, start):
                cut = outer.content.start + len(text[outer.content.start : start].rstrip(" ,;—–-"))
                joint = _JOINT.search(text, outer.content.start, start)
                if joint is not None:
                    cut = joint.start()
                kept = [
                    (Found(f.sentence, f.source, f.cue, Span(f.content.start, min(f.content.end, cut))), v)
                    if f.cue == outer.cue and f.content.start == outer.content.start
                    else (f, v)
                    for f, v in kept
                ]
            elif voice.name and relay.person is None and outer.source and _OUTLETS.search(outer.source.of(text)):
                kept = [(f, v) for f, v in kept if f.cue != outer.cue]
            else:
                kept = [(f, v) for f, v in kept if f.cue != inner.cue]
    return [(f, v) for f, v in kept if f.content.start < f.content.end]


# What stands between one clause and the source or cue of the next.
_JOINT = regex.compile(r"\s*(?:[,;—–]|--)\s*(?:(?:and|but|while|whereas|though|although)\s+(?:that\s+)?)?$")


class _Carrier:
    """Carries voices to the sentences that are quoted but name nobody."""

    def __init__(self, tokens: _Tokens, voiced: list[list[tuple[Found, _Voice]]]) -> None:
        self.t, self.voiced = tokens, voiced
        self.by_quotation = self.quotations()
        self.labels = _transcript(tokens)

    def quotations(self) -> dict[int, _Voice]:
        """The voice of each quotation, where a cue stands beside any part of it."""
        t = self.t
        voices: dict[int, _Voice] = {}
        for pairs in self.voiced:
            for item, voice in pairs:
                for i in t.within(item.content):
                    if t.quote[i]:
                        voices.setdefault(t.quote[i], voice)
        for mark in sorted(t.carried):
            if mark - 1 in voices:
                voices.setdefault(mark, voices[mark - 1])
        for mark in sorted(t.carried, reverse=True):
            if mark in voices:
                voices.setdefault(mark - 1, voices[mark])
        return voices

    def voices(self) -> list[_Voice | None]:
        """For each sentence without a cue of its own: its voice, or None where it is the reporter's."""
        t = self.t
        out: list[_Voice | None] = []
        last: _Voice | None = None  # the voice of the sentence before, with or without a cue
        labelled: _Voice | None = None
        spoken, led = 0, _UNKNOWN  # a "he said:" speaks up to here
        for sentence, (first, end) in enumerate(t.bounds):
            begins = sentence == 0 or t.paragraph[sentence] != t.paragraph[sentence - 1]
            if begins:
                labelled = None
            pairs = self.voiced[sentence]
            if t.spans[sentence].start < spoken:
                last = led
                out.append(None)
                continue
            if pairs:
                if pairs[-1][0].content.start >= t.spans[sentence].end:
                    spoken, led = pairs[-1][0].content.end, pairs[-1][1]
                if sentence in self.labels:
                    labelled = pairs[0][1]
                last = pairs[-1][1] if len({v.name for _, v in pairs}) == 1 else _UNKNOWN
                out.append(None)
                continue
            marks = [t.quote[i] for i in range(first, end) if t.quote[i] and t.words[i][0].isalnum()]
            plain = sum(1 for i in range(first, end) if not t.quote[i] and t.words[i][0].isalnum())
            voice: _Voice | None = None
            if labelled is not None:
                voice = labelled
            elif marks and (known := [self.by_quotation[m] for m in set(marks) if m in self.by_quotation]):
                voice = known[0] if len({v.name for v in known}) == 1 else _UNKNOWN
            elif marks and not plain:
                voice = self.beside(sentence, begins, last)
            elif len(marks) >= 5:
                voice = _UNKNOWN
            out.append(voice)
            last = voice
        return out

    def beside(self, sentence: int, begins: bool, last: _Voice | None) -> _Voice:
        """The voice of a wholly quoted sentence that no cue stands beside: its paragraph's, or that of the one before."""
        t = self.t
        if not begins:
            return last or _UNKNOWN
        paragraph = t.paragraph[sentence]
        for ahead in range(sentence, len(t.spans)):
            if t.paragraph[ahead] != paragraph:
                break
            if self.voiced[ahead]:
                return self.voiced[ahead][0][1] if t.quote[t.bounds[ahead][0]] else _UNKNOWN
            if not t.quote[t.bounds[ahead][0]]:
                return _UNKNOWN
        return last or _UNKNOWN


def _kind(tokens: _Tokens, content: Span) -> Literal["direct", "indirect", "mixed"]:
    marks = [bool(tokens.quote[i]) for i in tokens.within(content) if tokens.words[i][0].isalnum()]
    return "direct" if marks and all(marks) else "mixed" if any(marks) else "indirect"


def sentence_speakers(article: Article, spans: list[Span], statements: list[Statement]) -> list[str | None]:
    """For each sentence of ``article``: the one whose words it reports, "" where that is unsure or more than one,
    None where it reports nobody's.
    """
    starts = [span.start for span in spans]
    heard: list[set[str]] = [set() for _ in spans]
    for statement in statements:
        first = max(0, bisect_right(starts, statement.content.start) - 1)
        for i in range(first, len(spans)):
            if spans[i].start >= statement.content.end:
                break
            if spans[i].overlaps(statement.content):
                heard[i].add(statement.speaker)
    return [None if not names else next(iter(names)) if len(names) == 1 else "" for names in heard]
