"""The words by which news reports speech and names people: what ``cues`` and ``speakers`` look up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import regex


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
class Verb:
    saying: bool
    form: Literal["base", "third", "past", "gerund"]


def _verbs() -> dict[str, Verb]:
    table: dict[str, Verb] = {}
    for text, saying in ((_THINKING, False), (_SAYING, True)):
        for entry in regex.split(r"[;\n]", text):
            if entry.strip():
                base, third, past, gerund = entry.split()
                table[base] = Verb(saying, "base")
                table[third] = Verb(saying, "third")
                table[past] = Verb(saying, "past")
                table[gerund] = Verb(saying, "gerund")
    return table


VERBS = _verbs()
# What people do and companies and towns do not.
DEEDS = _words(
    "came went sat stood rose spoke wore ate drank slept woke wept knew thought drove rode ran swam wrote read sang got took"
    " left can could"
)
# "pointed out", "ruled out".
PHRASAL = {
    "point": Verb(True, "base"),
    "points": Verb(True, "third"),
    "pointed": Verb(True, "past"),
    "rules": Verb(False, "third"),
    "ruled": Verb(False, "past"),
}
# Forms that are as often nouns: they need a pronoun or a bare name as their subject.
NOUNISH = _words(
    "claims calls hopes fears reports notes demands promises charges questions doubts comments posts emails tweets"
    " claim call hope fear report note demand promise question doubt comment post email tweet state states pledge pledges"
    " vow vows wish wishes feel want worry worries estimate estimates cites blast brands labels counter counters views remark remarks praise"
    " blame thank thanks credit credits attack attacks answer answers slam slams echo joke jokes label brand express welcome continue mention mentions repeat suspect suspects counters shout"
)
# After these a word is followed by its content even without "that", "" or a quotation; others need one of the three.
ADVERBS = _words(
    "also later then repeatedly again once often recently previously earlier further just only already now still even"
    " never explicitly publicly flatly simply famously first initially frequently consistently clearly quickly recently"
    " strongly openly jokingly especially reportedly specifically subsequently finally long always sometimes additionally angrily"
    " bluntly apparently separately similarly quietly privately personally actually both all each himself herself themselves"
)
AUXILIARIES = _words("has have had did does do ’s 's ’ve 've ’d 'd")
BE = _words("is are was were be been being am ’re 're ’m get gets got")
MODALS = _words(
    "can could may might should must will would shall ’ll 'll to cannot can’t can't won’t won't wouldn’t wouldn't"
)
NEGATION = _words(
    "not didn’t didn't hasn’t hasn't haven’t haven't doesn’t doesn't don’t don't hadn’t hadn't nor wouldn’t couldn’t"
)
HE, SHE = _words("he him his himself"), _words("she her hers herself")
PRONOUNS = _words("he she they it who i we you which that one")
PREPOSITIONS = _words(
    "of in for with by from at to on against about between among under over after before during into through near like"
    " than without within across behind despite toward towards upon via outside inside alongside beyond since until per amid amidst unlike throughout besides"
)
CLAUSE_STARTS = _words(
    "and but while as that because when if though although since where so yet or whereas until unless after before once"
    " whether than meanwhile however then later instead still today yesterday what why how which"
)
DETERMINERS = _words(
    "the a an his her their its our my this that these those one another some many several most few two three"
)
TAIL_STARTS = PREPOSITIONS | _words(
    "monday tuesday wednesday thursday friday saturday sunday yesterday today tonight earlier later last this when while as"
    " afterward afterwards recently here there again too and but because once then online early late twice"
)
TIME = _words(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september"
    " october november december jan. feb. aug. sept. oct. nov. dec. today yesterday"
)

# People. Role words carry a name behind them when capitalised ("Foreign Minister Sergei Lavrov").
ROLES = _words(
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
    " councillor councilor cllr alderman constable filmmaker director-general undersecretary co-founder surgeon virologist meteorologist minority majority whip press"
)
SPECIFIC = ROLES - _words(
    "vice prime foreign defense defence finance interior deputy press minority majority whip mr. mr mrs. mrs ms. ms miss general dr."
)
MALE = _words(
    "mr. mr sir lord king prince congressman chairman spokesman father pope actor councilman businessman emir sultan"
)
FEMALE = _words(
    "mrs. mrs ms. ms miss lady dame queen princess congresswoman chairwoman spokeswoman actress councilwoman businesswoman"
)
KIN_MEN = _words("husband son father brother uncle nephew grandfather grandson stepfather stepson widower boyfriend")
KIN_WOMEN = _words("wife daughter mother sister widow aunt niece grandmother granddaughter stepmother girlfriend")
KIN = KIN_MEN | KIN_WOMEN | _words("partner cousin fiancé fiancée")
# Further words for what people do: in small letters they make the name beside them a person's ("the brewer Otto Finch",
# "Ingrid Solheim, the harbour master"). Capitalised they are as often surnames.
OCCUPATIONS = _words(
    "executive master counterpart challenger rival opponent predecessor successor head boss regulator novelist writer poet"
    " playwright journalist biologist chemist physicist geologist climatologist ecologist engineer architect designer"
    " skipper docker fisherman farmer brewer baker driver pilot sailor teacher headteacher nurse midwife psychologist"
    " psychiatrist barrister solicitor counselor councillor alderman constable firefighter fireman firefighters policeman"
    " policewoman soldier veteran resident neighbour neighbor tenant landlord shopkeeper grocer butcher builder plumber"
    " electrician mechanic technician programmer developer entrepreneur businessman businesswoman investor banker trader"
    " broker accountant auditor clerk secretary-general trustee volunteer organiser organizer campaigner protester"
    " unionist negotiator mediator diplomat politician deputy legislator backbencher frontman musician pianist"
    " violinist drummer guitarist composer conductor painter sculptor photographer artist curator critic blogger"
    " presenter newsreader interviewer athlete footballer striker goalkeeper midfielder defender captain"
    " batsman bowler sprinter swimmer cyclist boxer golfer trainer referee umpire jockey student pupil graduate academic"
    " lecturer philosopher theologian sociologist anthropologist archaeologist mathematician statistician astronomer"
    " astronaut zoologist botanist forecaster vicar priest monk nun rabbi chaplain canon witness victim suspect defendant"
    " plaintiff survivor patient spokesman guard keeper lifeguard warden ranger librarian archivist publisher printer"
    " translator interpreter carpenter welder miner trucker courier cook chef waiter waitress bartender designer tailor"
    " gardener hunter herder shepherd beekeeper millionaire billionaire tycoon philanthropist dissident exile refugee"
    " migrant whistleblower hacker insider convict murderer mother-of-two father-of-two"
)
COURTESY = _words("mr. mr mrs. mrs ms. ms miss dr. dr sir dame lord lady")
SURNAMES = _words("king prince pope judge bishop major lord father dean")
SUFFIXES = _words("jr. jr sr. sr ii iii iv esq.")
PARTICLES = _words("de la van von bin al el ben der da dos ibn du del di ter den le")
AFFILIATIONS = _words(
    "republican democrat democratic republicans democrats conservative libertarian independent american british russian"
    " chinese french german japanese israeli iranian indian ukrainian turkish canadian australian italian spanish mexican"
    " polish saudi syrian iraqi afghan pakistani brazilian korean african european asian arab muslim christian jewish"
    " catholic latino hispanic black white us u.s. uk u.k. un u.n. eu texas florida ohio california new york gop"
)
# Words that make a capitalised run something other than a person.
THINGS = _words(
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
INSTITUTIONS = _words(
    "ministry department agency bank committee commission court university association union council party campaign"
    " administration government office embassy army police military kremlin pentagon parliament institute foundation"
    " company firm group organization organisation newspaper network team bureau board church school hospital center"
)
VESSELS = _words("ship vessel ferry tanker trawler yacht boat")
# Nouns that make the name beside them a body's or a place's ("the grid company VerGrid").
BODIES = (
    INSTITUTIONS
    | VESSELS
    | _words(
        "charity airline carrier retailer manufacturer maker producer supplier lender insurer operator giant chain startup"
        " start-up conglomerate subsidiary brand newspaper daily weekly magazine website outlet agency broadcaster station"
        " publisher regulator authority service society trust fund club union hospital clinic school college museum gallery"
        " theatre theater band town city village hamlet district region province"
        " county island river lake mountain port nation country state planet novel book film play song"
    )
)
PLURALS = _words(
    "officials critics analysts experts police aides supporters lawmakers researchers scientists residents witnesses voters"
    " prosecutors authorities sources investigators observers opponents protesters activists economists leaders people"
    " allies backers donors strategists insiders members friends relatives neighbors workers employees teachers parents"
    " many others some others women men students doctors advocates reporters journalists polls studies reports having research data evidence polling"
)
SPEAKING = ROLES | OCCUPATIONS | BODIES | KIN | PLURALS | PRONOUNS
NOT_NAMES = (
    CLAUSE_STARTS
    | DETERMINERS
    | PREPOSITIONS
    | PRONOUNS
    | TIME
    | ADVERBS
    | BE
    | _words(
        "both no not yes every each all any other others such there here only also even just more less much who whom whose"
        " what why how asked said speaking calling noting according i’m i'm i’ve it’s it's he’s she’s they’re we’re don’t"
        " me him them us if do does did has have had will would can could should is are was were let like unlike"
        " given despite thanks editor’s read more photo image video watch related see please none nobody everyone anyone"
        " somebody someone another either neither nearly about around perhaps maybe indeed well oh ok okay sure thank"
        " q a"
    )
)
# Who asks in an interview, and labels of a transcript that stand for nobody by name.
ASKERS = _words(
    "counsel lawyer attorney prosecutor barrister solicitor presenter host anchor interviewer reporter correspondent"
)
ANYBODY = _words(
    "question q answer a moderator reporter reporters host presenter interviewer audience narrator announcer voice"
    " unidentified male female speaker man woman crowd all protester caller operator questioner journalist member"
)
# Labels before a colon that name a subject or a piece of the page and not a speaker.
SECTIONS = _words(
    "health transport courts court weather culture sport sports business politics economy education science technology"
    " crime world local national international regional news arts books film music travel food opinion comment obituaries"
    " environment energy finance markets media religion society update updates correction corrections clarification note"
    " photo photos video audio watch listen read related more editor’s editor's warning live breaking analysis exclusive"
    " source sources tags topics contact tel email phone address when where who what why how date time price tickets"
    " earlier summary background context caption credit transcript morning evening"
)
GROUPS = _words(
    "republicans democrats republican democrat americans conservatives liberals progressives russians europeans britons"
    " millennials hispanics latinos muslims christians jews evangelicals independents african-americans"
)
# "A Clinton supporter" does not speak of Clinton.
ATTRIBUTIVE = _words(
    "supporter supporters campaign administration aide aides ally allies surrogate surrogates voters voter rally rallies"
    " official officials adviser advisers spokesman spokeswoman spokesperson era presidency family team donors backers"
)
# Given names whose bearers are nearly always of one gender; the rest is learnt from titles and pronouns.
MEN = _words(
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
WOMEN = _words(
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
