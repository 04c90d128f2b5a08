/* A successor for a home supervisor that is killed (docs/successor.md), as a model for spin. It is not built.
 *
 * Home's supervisor may be killed between any two of its steps, DEATHS times, its successors too. Links, clocks and the
 * guest's side do not fail here: protocol.pml is about those. What survives a supervisor is
 *   - the stub's page in the shadow: the mark, the signals that the shadow has taken, the home call it was given and what
 *     came of it;
 *   - the journal of effects, in memory that the holder shares, and the holder's descriptors;
 *   - the guest and what it has asked for without being answered.
 *
 * Checked (tests/unit/migration/model_test.py): in every run
 *   - each effect happens once, in order; each signal reaches the program once, in order;
 *   - never do two incarnations run of which both could have an effect, and none runs with half of its memory;
 *   - the program is ended for its supervisor's death only if that came in the middle of an effect whose outcome nobody can
 *     know; else every run ends with the program finished, and no guest is left.
 *
 * BROKEN chooses a wrong design of the following, which has to be found out.
 */
#define GIVES_UP_BEFORE_MARK 1     /* GivenUp is sent, then the mark is set */
#define ACKNOWLEDGES_FIRST 2       /* what the guest asks for is acknowledged when it comes, so it does not ask again */
#define HAS_NO_REPLY_CACHE 3       /* what is asked again is done again */
#define KEEPS_SIGNALS_ITSELF 4     /* signals that the shadow met are in the supervisor's memory */
#define FORGETS_SIGNALS_SENT 5     /* a signal leaves the page when it is sent, not when the guest has it */
#define CLEARS_MARK_LAST 6         /* CameHome is said while the mark still says that the program is away */
#define CLEARS_MARK_FIRST 7        /* the mark is cleared before the program has its memory */
#define DIES_WITH_ITS_TRACER 8     /* as it is built: the shadow has EXITKILL */
#define SUCCEEDS_THE_SILENT 9      /* a successor begins when the supervisor is silent, not when it is dead */
#define HAS_NO_HOLDER 10           /* descriptors that were opened for the guest end with the supervisor */
#define TAKES_DOUBT_FOR_UNDONE 11  /* an effect that was begun is done again */
#define TAKES_DOUBT_FOR_DONE 12    /* ... or is taken to have been done */
#define ANSWERS_FROM_MEMORY 13     /* the shadow's result of a home call is in the supervisor's memory */

mtype = { Home, Committing, Confirming, Away, Returning };
mtype = { Restored, Running, Settled, Leaving, Gone };
mtype = { mCommit, mRunning, mGivenUp, mConfirmed, mAsk, mReply, mSignal, mGot, mImage, mCameHome, mExited, mExitedSeen };
#define NOTHING 0
#define GIVEN_UP 1  /* the program here must not run: the guest may be heard to have settled */
#define DROPPED 2   /* it has no memory here */

/* What survives. */
byte mark = NOTHING;
bool home_runs = true;      /* the program, at home */
bool whole = true;          /* ... has all of its memory there */
byte memory = 0;            /* its next effect, as it knows it there */
byte signals_here = 0;      /* that the program has got there */
byte taken = 0, tail = 0;   /* signals that the shadow has taken; the first one that is kept in the page */
byte begun = 0, done = 0;   /* effects: the journal's, or, of a home call, the page's */
bool by_shadow = false;     /* what has been begun is a home call */
byte effects = 0;           /* carried out */
mtype gs = Gone;
byte g_memory = 0, g_signals = 0;
bool g_asks = false;        /* and has no answer yet */
bool g_sent_image = false, g_sent_exit = false;
bool finished = false, killed = false, in_doubt = false;

/* The connection; what is in it ends with a supervisor. */
chan to_guest = [6] of { mtype, byte };
chan to_home = [6] of { mtype, byte };
bool connected = false;

/* The supervisor's own. */
bool h_alive = true;
mtype hs = Home;
byte step = 0, asked = 0, next_signal = 0;
bool holds_descriptors = true;

byte broken, deaths, moves, enough, signals, sent = 0;

inline effect(number) {
  assert(number == effects);
  effects++
}
#define over (finished || killed)
#define guest_runs (gs == Running || gs == Settled)
/* A guest that has not heard GivenUp has no effect and ends with its lease. */
inline check() {
  assert(!(home_runs && gs == Settled));
  assert(!home_runs || whole)
}
/* The stub makes the program what it is, and queues to it the signals that the page has. */
inline let_go() {
  mark = NOTHING; home_runs = true; signals_here = signals_here + taken - tail; tail = taken; check()
}
inline clear(channel) {
  do
  :: nempty(channel) -> channel?_,_
  :: empty(channel) -> break
  od
}
inline end_guest() {
  gs = Gone; g_asks = false; connected = false; clear(to_guest); clear(to_home)
}

/* ------------------------------------------------------------------------------------------- home */

#define acts (h_alive && !killed)
#define hears(message) (acts && connected && step == 0 && to_home?[message,_])

proctype HomeSide() {
  byte n;
end:
  do
  :: atomic { acts && hs == Home && step == 0 && home_runs && moves > 0 && gs == Gone && memory < enough ->
       moves--; home_runs = false; hs = Committing;
       gs = Restored; g_memory = memory; g_signals = signals_here; taken = signals_here; tail = taken;
       begun = memory; done = memory; by_shadow = false; g_asks = false; g_sent_image = false; g_sent_exit = false;
       connected = true; next_signal = tail; to_guest!mCommit,0 }

  /* the commit */
  :: atomic { hears(mRunning) && hs == Committing ->
       to_home?mRunning,n;
       if
       :: broken == GIVES_UP_BEFORE_MARK -> to_guest!mGivenUp,0; step = 2
       :: else -> mark = GIVEN_UP; step = 1
       fi }
  :: atomic { acts && hs == Committing && step == 1 -> step = 0; hs = Confirming; to_guest!mGivenUp,0 }
  :: atomic { acts && hs == Committing && step == 2 -> step = 0; hs = Confirming; mark = GIVEN_UP }
  :: atomic { acts && (hs == Committing || hs == Confirming) && step == 0 && gs == Gone ->  /* never heard of GivenUp */
       hs = Home; connected = false; let_go() }
  :: atomic { hears(mConfirmed) ->
       to_home?mConfirmed,n;
       if :: hs == Confirming -> mark = DROPPED; whole = false; hs = Away :: else fi }

  /* effects: begun, done, noted, answered */
  :: atomic { hears(mAsk) && hs == Away ->
       to_home?mAsk,asked;
       if :: broken == ACKNOWLEDGES_FIRST -> g_asks = false :: else fi;
       if
       :: asked < done && broken != HAS_NO_REPLY_CACHE -> step = 6
       :: begun > done && by_shadow -> step = 7  /* the shadow is still at it */
       :: else -> step = 3
       fi }
  :: atomic { acts && step == 3 ->
       begun = asked + 1;
       if :: by_shadow = true; step = 7 :: by_shadow = false; step = 4 fi }
  :: atomic { acts && step == 4 ->
       if
       :: holds_descriptors -> effect(asked); step = 5
       :: else -> killed = true  /* there is nothing to write to */
       fi }
  :: atomic { acts && step == 5 -> done = begun; step = 6 }
  :: atomic { acts && step == 7 && done == begun -> step = 6 }
  :: atomic { acts && step == 6 -> to_guest!mReply,asked; step = 0 }

  /* signals */
  :: atomic { acts && hs == Away && step == 0 && connected && next_signal < taken && nfull(to_guest) ->
       to_guest!mSignal,next_signal; next_signal++;
       if :: broken == FORGETS_SIGNALS_SENT -> tail = next_signal :: else fi }
  :: atomic { hears(mGot) ->
       to_home?mGot,n;
       if :: n > tail -> tail = n :: else fi; n = 0 }

  /* the return: fill, let go, say so */
  :: atomic { hears(mImage) && hs == Away ->
       to_home?mImage,n; n = 0; hs = Returning;
       step = ((broken == CLEARS_MARK_FIRST) -> 9 : 8) }
  :: atomic { acts && step == 8 ->
       memory = g_memory; whole = true;
       if :: tail < g_signals -> tail = g_signals :: else fi;
       signals_here = g_signals;
       step = ((broken == CLEARS_MARK_LAST) -> 12 : 10) }
  :: atomic { acts && step == 9 -> mark = NOTHING; step = 8 }
  :: atomic { acts && step == 10 -> step = 11; let_go() }
  :: atomic { acts && step == 11 -> step = 0; hs = Home; to_guest!mCameHome,0 }
  :: atomic { acts && step == 12 -> to_guest!mCameHome,0; step = 13 }
  :: atomic { acts && step == 13 -> step = 0; hs = Home; let_go() }

  /* the end */
  :: atomic { hears(mExited) && hs == Away -> to_home?mExited,n; finished = true; end_guest() }
  od
}

/* ------------------------------------------------------------------------------------- guest side */

#define heard(message) (connected && gs != Gone && to_guest?[message,_])

proctype GuestSide() {
  byte n;
end:
  do
  :: atomic { heard(mCommit) -> to_guest?mCommit,n;
       if :: gs == Restored -> gs = Running; to_home!mRunning,0; check() :: else fi }
  :: atomic { heard(mGivenUp) -> to_guest?mGivenUp,n;
       if :: gs == Running -> gs = Settled; check() :: else fi;
       if :: gs == Settled || gs == Leaving -> to_home!mConfirmed,0 :: else fi }
  :: atomic { gs == Restored || gs == Running -> end_guest() }  /* its lease is over */
  :: atomic { gs == Settled && connected && !g_asks && g_memory < enough && !over && nfull(to_home) ->
       g_asks = true; to_home!mAsk,g_memory }
  :: atomic { heard(mReply) ->
       to_guest?mReply,n;
       if :: n == g_memory -> g_memory++; g_asks = false :: else fi; n = 0 }
  :: atomic { heard(mSignal) && nfull(to_home) ->
       to_guest?mSignal,n;
       assert(gs != Settled || n <= g_signals);  /* one that has been captured gets no more */
       if :: n == g_signals && gs == Settled -> g_signals++; to_home!mGot,g_signals :: else fi; n = 0 }
  :: atomic { gs == Settled && connected && !g_asks && g_memory < enough && !over && nfull(to_home) ->
       gs = Leaving; g_sent_image = true; to_home!mImage,0 }
  :: atomic { heard(mCameHome) -> to_guest?mCameHome,n; end_guest() }
  :: atomic { gs == Settled && connected && !g_asks && g_memory == enough && !g_sent_exit && !over && nfull(to_home) ->
       g_sent_exit = true; to_home!mExited,0 }
  :: atomic { gs != Gone && killed -> end_guest() }
  od
}

/* -------------------------------------------------------------------------- the program, the shadow */

proctype Program() {
end:
  do
  :: atomic { home_runs && !over && memory < enough -> effect(memory); memory++ }
  :: atomic { home_runs && !over && memory == enough && sent == signals ->
       assert(signals_here == sent); finished = true; home_runs = false }
  /* It makes the call that it was given, whoever lives, and its page says what came of it. */
  :: atomic { by_shadow && begun > done && !over && mark == DROPPED ->
       effect(begun - 1);
       if :: broken == ANSWERS_FROM_MEMORY && !(h_alive && step == 7) -> begun = done :: else -> done = begun fi }
  od
}

active proctype Signals() {
end:
  do
  :: atomic { sent < signals && !over ->
       sent++;
       if :: home_runs -> signals_here++ :: else -> taken++ fi }
  od
}

/* ------------------------------------------------------------------------------------------- death */

inline forget() {
  connected = false; clear(to_guest); clear(to_home);
  step = 0; asked = 0
}

/* What the kernel and the stub do at once. */
inline die() {
  h_alive = false;
  if :: broken == HAS_NO_HOLDER && mark == DROPPED -> holds_descriptors = false :: else fi;
  if :: broken == KEEPS_SIGNALS_ITSELF -> tail = taken :: else fi;
  forget();
  if
  :: mark != NOTHING && broken == DIES_WITH_ITS_TRACER -> killed = true
  :: mark == NOTHING && !home_runs -> let_go()
  :: else
  fi
}

/* By the mark alone. What was begun and is not known to be done is nobody's to guess. */
inline succeed() {
  h_alive = true;
  next_signal = tail;
  if
  :: mark == NOTHING -> hs = Home
  :: mark == GIVEN_UP -> hs = Confirming
  :: mark == DROPPED -> hs = Away
  fi;
  if
  :: mark == DROPPED && begun > done && !by_shadow ->
     if
     :: broken == TAKES_DOUBT_FOR_UNDONE -> begun = done
     :: broken == TAKES_DOUBT_FOR_DONE -> done = begun
     :: else -> in_doubt = true; killed = true
     fi
  :: else
  fi;
  if
  :: gs != Gone && !killed ->
     connected = true;
     if
     :: mark == NOTHING && gs == Leaving -> to_guest!mCameHome,0
     :: mark == NOTHING && gs != Leaving -> connected = false  /* it ends with its lease */
     :: else ->  /* what either side has said and has no answer to is said again */
        if :: mark == GIVEN_UP -> to_guest!mGivenUp,0 :: else fi;
        if :: gs == Settled || gs == Leaving -> to_home!mConfirmed,0 :: else fi;
        if :: g_asks -> to_home!mAsk,g_memory :: else fi;
        if :: gs == Leaving -> to_home!mImage,0 :: else fi;
        if :: g_sent_exit && gs == Settled -> to_home!mExited,0 :: else fi;
        to_home!mGot,g_signals
     fi
  :: mark == DROPPED && gs == Gone && !killed -> killed = true  /* its holder has it no more */
  :: else
  fi
}

active proctype Death() {
end:
  do
  :: atomic { deaths > 0 && acts -> deaths--; die() }
  :: atomic { !h_alive && !killed && (!finished || gs != Gone) -> succeed() }
  :: deaths > 0 -> deaths = 0
  :: atomic { broken == SUCCEEDS_THE_SILENT && deaths > 0 && acts && mark == DROPPED && step == 4 ->
       deaths--; effect(asked); forget(); begun = done; succeed() }  /* the one that was silent goes on */
  od
}

active proctype Verdict() {
  (timeout) ->
  assert(finished || killed);
  assert(!finished || effects == enough);
  assert(!killed || in_doubt);
  assert(gs == Gone)
}

c_decl {
static unsigned char setting(const char* name) { const char* text = getenv(name); return text ? atoi(text) : 0; }
}
init {
  d_step { c_code { now.deaths = setting("DEATHS"); now.broken = setting("BROKEN"); now.moves = setting("MOVES");
                  now.enough = setting("EFFECTS"); now.signals = setting("SIGNALS"); } };
  atomic { run HomeSide(); run GuestSide(); run Program() }
}
