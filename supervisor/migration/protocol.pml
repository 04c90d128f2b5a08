/* The protocol of docs/protocol.md as a model for spin: a move, a life away, a return, the move on.
 *
 * Checked (tests/unit/migration/model_test.py): in every run, whatever fails and when,
 *   - every effect of the program happens once, in order (an effect is its number: see `effect`);
 *   - no two incarnations run at once, as long as clocks drift and hosts pause for less than the margin;
 *   - the program is given up only when the side that holds it is dead, or has given the guest up as its owner allows, knowing
 *     that home has heard Confirmed, or by somebody's word (forget);
 *   - a guest is dropped only when home is done with it, or when its owner's limit has passed;
 *   - every run ends, in a state that is an end: finished, ended with what was killed, or waiting at home for a node that does
 *     not say what became of the guest.
 *
 * The transitions are the rows of machine.cc by name: home(from, event, to) and guest(from, event, to). The test compares
 * both lists, and asks that the model uses every row. Frames that are kept and sent again are a queue here that outlives
 * connections, which is what supervisor/job/link.pml shows of them; pages are not kept.
 *
 * Time is counted in ticks by countdowns. Nobody may let a tick pass while something is due, unless its host is paused;
 * the guest's clock may be slower than home's (drift). A host that sleeps is paused, and its countdowns are, too.
 *
 * Who is asked about a job (the agent that answers at the node's name) says "held", "not held" or nothing that counts: it
 * does not know, it is another node, or nobody answers. `mute` is a node that from some moment on never says what counts.
 *
 * The environment variable FAULTS says how many things may go wrong in a run; BROKEN chooses a wrong protocol of the
 * following, which has to be found out.
 */
#define RESUMES_WITHOUT_WAITING 1    /* home does not wait for the lease */
#define HAS_NO_MARGIN 2              /* ... or for no longer than the lease */
#define HAS_NO_GIVEN_UP 3            /* effects flow from Running on, and the guest still goes with its lease */
#define DOES_NOT_HOLD_EFFECTS 4      /* effects before Confirmed are carried out */
#define LEASE_RENEWED_BEFORE_COMMIT 5 /* keep-alives lengthen the time that a commit may take */
#define GUEST_RESUMES_BY_ITSELF 6    /* a guest that leaves runs on when the link breaks */
#define OLD_REFUSALS_COUNT 7         /* a refusal of an earlier attempt to come home is obeyed */
#define FIRST_UNKNOWN_COUNTS 8       /* an agent that has just been started says "not held" of what it has not heard of */
#define IMAGE_NOT_SENT_AGAIN 9       /* a return that lost its link is not begun anew */
#define ABANDONS_TOO_EARLY 10        /* home does not wait in Confirming until the guest must have ended */
#define COMMITS_LATE 11              /* a Commit is obeyed whenever it comes */
#define BELIEVES_A_REFUSAL 12        /* home takes any "no" for "not held" */
#define DROPS_ON_SILENCE 13          /* home gives the program up when the node has been silent for long */
#define BELIEVES_ANOTHER_BOOT 14     /* another boot counts, whoever's it is */
#define PEER_BELIEVES_ANOTHER 15     /* a guest is dropped on the word of an agent that is not home's */
#define PEER_DROPS_UNKNOWN 16        /* ... or of home's, when it has not heard of the job */
#define NOT_HELD_WHILE_DYING 17      /* "not held" is said when the guest's supervisor has gone, the guest not yet */
#define LOSES_THE_UNTOLD 18          /* home lets go when it has heard Confirmed, whether or not the guest has heard that */

#define LEASE 2
#define MARGIN 2
#define CONFIRM 3  /* home's: what a guest may last whose Confirmed nobody has acknowledged */
#define ABANDON 4  /* the peer's owner's: what a frozen guest may last otherwise */
#define JOURNEYS 2
#define OFF 15
#define NONE 255

mtype = { Home, Preparing, Freezing, Transferring, Committing, Confirming, Away, Returning, Ended,
          Filling, Restored, Running, Settled, Frozen, Leaving, Gone };
mtype = { mEntered, mImage, mRestored, mCommit, mRunning, mGivenUp, mConfirmed, mConfirmedSeen, mAbort, mEffect, mExited, mExitedSeen, mConfirmedHeard,
          mKill, mHomeImage, mPages, mPagesEnd, mCameHome, mHomeRefused };

/* One journey each: its epoch is its index. */
chan to_guest[JOURNEYS] = [3] of { mtype, byte };
chan to_home[JOURNEYS] = [8] of { mtype, byte };
byte arrived_guest[JOURNEYS], arrived_home[JOURNEYS]; /* frames that had crossed when the connection broke */
bool unread[JOURNEYS]; /* ... and nobody has seen, since the guest's host was paused */
bool up[JOURNEYS];      /* the connection */
bool wire_ok = true;    /* the link beneath it */
bool closed[JOURNEYS];  /* by home, for good */
bool known[JOURNEYS];   /* the peer's agent knows of the guest's supervisor */
bool h_paused = false, g_paused = false;
bool h_sleeps = false, g_sleeps = false; /* ... and its clock stands still */
bool mute = false;      /* whoever answers at the peer's name never knows */
bool h_mute = false;    /* the same of home */
bool dead[JOURNEYS];    /* its supervisor was killed */
bool dying[JOURNEYS];   /* ... and its guest still runs its last instructions */
bool given_up[JOURNEYS]; /* it abandoned the guest, as its owner allows */
bool seen[JOURNEYS];    /* it knows that home has heard Confirmed */
mtype gs[JOURNEYS] = Gone;
byte g_memory[JOURNEYS];
byte g_commit[JOURNEYS] = OFF;  /* until a commit is void */
byte g_lease[JOURNEYS] = OFF, g_abandon[JOURNEYS] = OFF;
byte g_attempt[JOURNEYS];
bool anew[JOURNEYS];     /* another connection has been made */

mtype hs = Home;
byte e = NONE;          /* the journey under way, or the last one */
byte begun = 0;
bool h_alive = true;    /* home's supervisor */
bool h_free = false;    /* it died before the commit: the program runs on without it */
byte h_memory = 0;      /* the next effect, as the program at home knows it */
byte effects = 0;       /* carried out */
byte kept = 0, kept_from = 0; /* effects that wait for ConfirmedHeard */
bool held_exit = false;
bool linked = false;    /* home believes in its connection */
bool told = false;      /* home has heard Confirmed and says so: the guest may be the program for good */
byte h_commit = OFF, h_lost = OFF;
byte attempt = 0;       /* the return under way; 0: none that could be completed */
bool pages_came = false;
bool finished = false, killed = false;

byte broken, faults, returns, journeys, enough, drift, drifted = 0, late = 0;

#define acts (h_alive && !h_paused)
#define on_time (late + drifted < MARGIN)
#define home_runs (h_free || (!killed && !finished && (hs == Home || hs == Preparing)))
#define guest_runs(i) (gs[i] == Running || gs[i] == Settled || dying[i])
#define held(i) (gs[i] != Gone || dying[i])
#define limit(i) (seen[i] -> ABANDON : CONFIRM)
#define holds_shadow (hs == Confirming || hs == Away || hs == Returning)
#define one_runs \
  assert(!on_time || h_free || home_runs + guest_runs(0) + guest_runs(1) <= 1)

#define home(from, event, to) assert(hs == from); hs = to; one_runs
#define guest(from, event, to) assert(gs[me] == from); gs[me] = to; one_runs

inline effect(number) {
  assert(number == effects);
  effects++
}

/* Nothing, everything, or the first frame. */
inline select_up_to(x, most) {
  if
  :: x = 0
  :: x = most
  :: most > 1 -> x = 1
  fi
}
/* The connection ends: what has crossed may still be read, pages that have not are lost. */
hidden byte all, crossed, at, value;
hidden mtype what;
inline break_connection(i) {
  if
  :: up[i] ->
    up[i] = false;
    select_up_to(crossed, len(to_guest[i]));
    arrived_guest[i] = crossed;
    unread[i] = g_paused && crossed > 0;
    all = len(to_home[i]);
    select_up_to(crossed, all);
    arrived_home[i] = 0;
    at = 0;
    do
    :: at < all ->
      to_home[i]?what,value;
      if
      :: what == mPages && at >= crossed -> skip
      :: else -> to_home[i]!what,value;
         if :: at < crossed -> arrived_home[i]++ :: else fi
      fi;
      at++
    :: else -> break
    od
  :: else
  fi
}
inline connect(i) {
  up[i] = true; anew[i] = true; arrived_guest[i] = 0; arrived_home[i] = 0;
  if :: gs[i] != Gone -> g_lease[i] = LEASE; g_abandon[i] = limit(i) :: else fi
}
inline close_journey() {
  break_connection(e);
  closed[e] = true; linked = false;
  h_commit = OFF; h_lost = OFF;
  kept = 0; held_exit = false; told = false; attempt = 0; pages_came = false
}

/* ------------------------------------------------------------------------------------------- home */

#define from_guest(message) (acts && hs != Ended && e != NONE && !closed[e] && linked && (up[e] || arrived_home[e] > 0) && \
  to_home[e]?[message,_])
#define deadline_of_commit ((broken == RESUMES_WITHOUT_WAITING) -> 0 : \
  ((broken == HAS_NO_MARGIN) -> LEASE : LEASE + MARGIN))

inline take(message, value) {
  to_home[e]?message,value;
  if :: !up[e] -> arrived_home[e]-- :: else fi
}

inline release_held() {
  do
  :: kept > 0 -> effect(kept_from); kept_from++; kept--
  :: else -> break
  od;
  kept_from = 0
}

/* Never while a holder lives: it was killed, or it has given up before, as its owner allows. Whatever clocks do. */
inline give_up_program() {
  assert((dead[e] && !dying[e]) || (given_up[e] && seen[e]));
  killed = true; closed[e] = true; h_lost = OFF
}

/* Home's agent can say that the journey is over: it has come home, or ended; or nothing of it is left. */
#define over_at_home(i) (closed[i] || !h_alive || hs == Ended)
/* What counts as "not held" by the node. In a right protocol it is the truth, or the same identity's other boot. */
#define says_not_held (!mute && !held(e) || \
  (broken == FIRST_UNKNOWN_COUNTS && !known[e]) || broken == BELIEVES_A_REFUSAL || \
  (broken == NOT_HELD_WHILE_DYING && gs[e] == Gone))

proctype HomeSide() {
  byte n;
end:
  do
  /* at home */
  :: atomic { (h_free || (acts && (hs == Home || hs == Preparing))) && h_memory < enough && !finished && !killed ->
       effect(h_memory); h_memory++ }
  :: atomic { h_free && h_memory == enough && !finished -> finished = true }
  :: atomic { acts && hs == Home && h_memory == enough -> home(Home, Ended, Ended); finished = true }
  :: atomic { acts && hs == Home && begun < journeys && h_memory < enough && wire_ok ->
       e = begun; begun++;
       connect(e); linked = true; known[e] = true;
       run GuestSide(e);
       home(Home, Migrate, Preparing) }

  /* on the way */
  :: atomic { from_guest(mEntered) && hs == Preparing -> take(mEntered, n); home(Preparing, WorldReady, Freezing) }
  :: atomic { acts && hs == Freezing -> home(Freezing, Captured, Transferring); to_guest[e]!mImage,h_memory }
  :: atomic { from_guest(mRestored) && hs == Transferring ->
       take(mRestored, n); home(Transferring, Restored, Committing);
       to_guest[e]!mCommit,0; h_commit = deadline_of_commit }
  :: atomic { from_guest(mRunning) && hs == Committing ->
       take(mRunning, n); h_commit = OFF;
       home(Committing, Running, Confirming);
       if
       :: broken == HAS_NO_GIVEN_UP -> hs = Away
       :: else -> to_guest[e]!mGivenUp,0
       fi }
  :: atomic { from_guest(mConfirmed) ->
       take(mConfirmed, n); to_guest[e]!mConfirmedSeen,0; h_lost = OFF;
       if
       :: broken == LOSES_THE_UNTOLD -> home(Confirming, Confirmed, Away); release_held()
       :: else -> assert(hs == Confirming || broken == HAS_NO_GIVEN_UP); told = true
       fi }
  :: atomic { from_guest(mConfirmedHeard) ->
       take(mConfirmedHeard, n);
       if
       :: hs == Confirming && told -> home(Confirming, Confirmed, Away); told = false; release_held()
       :: else -> assert(broken != 0)
       fi }

  /* it does not succeed */
  :: atomic { from_guest(mAbort) ->
       take(mAbort, n);
       if
       :: hs == Preparing -> home(Preparing, Aborted, Home); close_journey()
       :: hs == Freezing -> home(Freezing, Aborted, Home); close_journey()
       :: hs == Transferring -> home(Transferring, Aborted, Home); close_journey()
       :: hs == Committing -> home(Committing, NotHeard, Home); close_journey()
       :: hs == Confirming -> home(Confirming, NotHeard, Home); close_journey()
       :: else -> assert(false)
       fi }
  :: atomic { acts && faults > 0 && (hs == Preparing || hs == Freezing || hs == Transferring) ->
       faults--;
       to_guest[e]!mAbort,0;
       if
       :: hs == Preparing -> home(Preparing, Aborted, Home)
       :: hs == Freezing -> home(Freezing, Aborted, Home)
       :: hs == Transferring -> home(Transferring, Aborted, Home)
       fi;
       close_journey() }
  :: atomic { acts && hs == Committing && h_commit == 0 -> home(Committing, LeaseOver, Home); close_journey() }

  /* away */
  :: atomic { from_guest(mEffect) ->
       take(mEffect, n);
       if
       :: hs == Confirming && broken != DOES_NOT_HOLD_EFFECTS ->
          if :: kept == 0 -> kept_from = n :: else fi;
          kept++
       :: else -> assert(broken != 0 || hs == Away); effect(n)
       fi; n = 0 }
  :: atomic { from_guest(mExited) && (hs == Away || hs == Confirming) -> take(mExited, n); held_exit = true }
  :: atomic { acts && hs == Away && held_exit ->
       home(Away, Ended, Ended); finished = true; held_exit = false; to_guest[e]!mExitedSeen,0;
       h_lost = OFF }

  /* coming home */
  :: atomic { from_guest(mHomeImage) ->
       take(mHomeImage, attempt);
       pages_came = false;
       if
       :: hs == Away -> home(Away, HomeImage, Returning)
       :: hs == Returning -> home(Returning, HomeImage, Returning)
       :: else -> assert(false)
       fi }
  :: atomic { from_guest(mPages) -> take(mPages, n); pages_came = (hs == Returning && attempt != 0); n = 0 }
  :: atomic { from_guest(mPagesEnd) ->
       take(mPagesEnd, n);
       if
       :: hs != Returning || attempt == 0 -> skip
       :: hs == Returning && attempt != 0 && pages_came ->
          h_memory = n;
          to_guest[e]!mCameHome,0;
          home(Returning, Returned, Home);
          close_journey()
       :: hs == Returning && attempt != 0 && (!pages_came || faults > 0) ->
          if :: pages_came -> faults-- :: else fi;
          to_guest[e]!mHomeRefused,attempt;
          attempt = 0; pages_came = false;
          home(Returning, ReturnFailed, Away)
       fi; n = 0 }

  /* broken links */
  :: atomic { acts && linked && !up[e] && arrived_home[e] == 0 ->
       linked = false;
       if
       :: hs == Preparing -> home(Preparing, Aborted, Home); close_journey()
       :: hs == Freezing -> home(Freezing, Aborted, Home); close_journey()
       :: hs == Transferring -> home(Transferring, Aborted, Home); close_journey()
       :: hs == Confirming ->
          h_lost = (told -> OFF : ((broken == ABANDONS_TOO_EARLY) -> 1 : CONFIRM + MARGIN))
       :: hs == Away || hs == Returning ->
          attempt = 0; pages_came = false;
          h_lost = ((broken == DROPS_ON_SILENCE) -> LEASE + MARGIN : OFF)
       :: else
       fi }
  :: atomic { acts && holds_shadow && !linked && wire_ok && !mute && known[e] && gs[e] != Gone && !g_paused ->
       connect(e); linked = true; h_lost = OFF }
  :: atomic { acts && holds_shadow && !linked && wire_ok && !g_paused && says_not_held ->
       if
       :: hs == Confirming -> home(Confirming, NotHeard, Home); close_journey()
       :: hs == Away -> give_up_program(); home(Away, NotHeld, Ended)
       :: hs == Returning -> give_up_program(); home(Returning, NotHeld, Ended)
       fi }
  :: atomic { acts && holds_shadow && !linked && broken == BELIEVES_ANOTHER_BOOT ->
       if
       :: hs == Confirming -> home(Confirming, NotHeard, Home); close_journey()
       :: hs == Away -> give_up_program(); home(Away, NotHeld, Ended)
       :: hs == Returning -> give_up_program(); home(Returning, NotHeld, Ended)
       fi }
  :: atomic { acts && !linked && h_lost == 0 ->
       if
       :: hs == Confirming -> home(Confirming, Abandoned, Home); close_journey()
       :: hs == Away -> give_up_program(); home(Away, NotHeld, Ended)
       :: hs == Returning -> give_up_program(); home(Returning, NotHeld, Ended)
       fi }
  /* somebody gives up on the node: lost-after, or `llrunctl forget` */
  :: atomic { acts && !linked && faults > 0 && (hs == Away || hs == Returning || (hs == Confirming && told)) ->
       faults--; killed = true; closed[e] = true;
       if
       :: hs == Confirming -> home(Confirming, Forgotten, Ended)
       :: hs == Away -> home(Away, Forgotten, Ended)
       :: hs == Returning -> home(Returning, Forgotten, Ended)
       fi }
  od
}

/* ------------------------------------------------------------------------------------- guest side */

#define from_home(message) (lives && gs[me] != Gone && (up[me] || arrived_guest[me] > 0) && to_guest[me]?[message,_])
#define renewed(i) (up[i] && h_alive && !h_paused)
#define lives (!g_paused && !dead[me])
#define commit_is_void (g_commit[me] == 0)

inline hear(message, value) {
  to_guest[me]?message,value;
  if :: !up[me] -> arrived_guest[me]-- :: else fi
}
inline gone() {
  g_commit[me] = OFF; g_lease[me] = OFF; g_abandon[me] = OFF; known[me] = false
}
inline send_image() {
  g_attempt[me]++; anew[me] = false;
  to_home[me]!mHomeImage,g_attempt[me];
  to_home[me]!mPages,0;
  to_home[me]!mPagesEnd,g_memory[me]
}

proctype GuestSide(byte me) {
  byte n;
  bool sent_exit = false;
  gs[me] = Preparing; g_lease[me] = LEASE; g_abandon[me] = limit(me);
end:
  do
  :: atomic { lives && gs[me] == Preparing -> guest(Preparing, WorldMade, Filling); to_home[me]!mEntered,0 }
  :: atomic { from_home(mImage) && gs[me] == Filling ->
       hear(mImage, n); g_memory[me] = n; n = 0;
       guest(Filling, Filled, Restored); to_home[me]!mRestored,0; g_commit[me] = LEASE }
  :: atomic { from_home(mCommit) && gs[me] == Restored && (!commit_is_void || broken == COMMITS_LATE) ->
       hear(mCommit, n);
       if :: broken == COMMITS_LATE -> g_commit[me] = LEASE :: else fi;
       to_home[me]!mRunning,0; guest(Restored, Commit, Running) }
  :: atomic { from_home(mGivenUp) && gs[me] == Running ->
       hear(mGivenUp, n); to_home[me]!mConfirmed,0;
       g_commit[me] = OFF;
       guest(Running, GivenUp, Settled) }
  :: atomic { from_home(mConfirmedSeen) && nfull(to_home[me]) ->
       hear(mConfirmedSeen, n); seen[me] = true; to_home[me]!mConfirmedHeard,0;
       if :: g_abandon[me] != OFF -> g_abandon[me] = ABANDON :: else fi }

  /* it runs */
  :: atomic { lives && guest_runs(me) && g_memory[me] < enough && nfull(to_home[me]) ->
       to_home[me]!mEffect,g_memory[me]; g_memory[me]++ }
  :: atomic { lives && guest_runs(me) && g_memory[me] == enough && !sent_exit -> sent_exit = true; to_home[me]!mExited,0 }
  :: atomic { from_home(mExitedSeen) ->
       hear(mExitedSeen, n);
       if
       :: gs[me] == Settled -> guest(Settled, Ended, Gone)
       :: gs[me] == Frozen -> guest(Frozen, Ended, Gone)
       :: else -> assert(broken != 0); gs[me] = Gone
       fi; gone() }
  :: atomic { from_home(mKill) ->
       hear(mKill, n);
       if
       :: gs[me] == Preparing -> guest(Preparing, Ended, Gone)
       :: gs[me] == Filling -> guest(Filling, Ended, Gone)
       :: gs[me] == Restored -> guest(Restored, Ended, Gone)
       :: gs[me] == Running -> guest(Running, Ended, Gone)
       :: gs[me] == Settled -> guest(Settled, Ended, Gone)
       :: gs[me] == Frozen -> guest(Frozen, Ended, Gone)
       :: gs[me] == Leaving -> guest(Leaving, Ended, Gone)
       :: else
       fi; gone() }

  /* it does not come to that */
  :: atomic { from_home(mAbort) ->
       hear(mAbort, n);
       if
       :: gs[me] == Preparing -> guest(Preparing, Aborted, Gone)
       :: gs[me] == Filling -> guest(Filling, Aborted, Gone)
       :: gs[me] == Restored -> guest(Restored, Aborted, Gone)
       :: else -> assert(gs[me] == Gone)
       fi; gone() }
  :: atomic { lives && ((gs[me] == Preparing || gs[me] == Filling || gs[me] == Restored ||
                         (gs[me] == Running && !sent_exit)) && faults > 0) ->
       faults--; to_home[me]!mAbort,0;
       if
       :: gs[me] == Preparing -> guest(Preparing, Aborted, Gone)
       :: gs[me] == Filling -> guest(Filling, Aborted, Gone)
       :: gs[me] == Restored -> guest(Restored, Aborted, Gone)
       :: gs[me] == Running -> guest(Running, Aborted, Gone)   /* its process was killed there */
       fi; gone() }
  :: atomic { lives && !up[me] && arrived_guest[me] == 0 && (gs[me] == Preparing || gs[me] == Filling) ->
       if
       :: gs[me] == Preparing -> guest(Preparing, Aborted, Gone)
       :: gs[me] == Filling -> guest(Filling, Aborted, Gone)
       fi; gone() }
  :: atomic { lives && g_lease[me] == 0 && (gs[me] == Preparing || gs[me] == Filling) ->
       if
       :: gs[me] == Preparing -> guest(Preparing, LeaseOver, Gone)
       :: gs[me] == Filling -> guest(Filling, LeaseOver, Gone)
       fi; gone() }
  :: atomic { lives && commit_is_void && (gs[me] == Restored || gs[me] == Running) &&
              (broken != COMMITS_LATE || gs[me] == Running || !from_home(mCommit)) ->
       to_home[me]!mAbort,0;
       if
       :: gs[me] == Restored -> guest(Restored, LeaseOver, Gone)
       :: gs[me] == Running -> guest(Running, LeaseOver, Gone)
       fi; gone() }

  /* home is silent */
  :: atomic { lives && gs[me] == Settled && g_lease[me] == 0 -> guest(Settled, LeaseOver, Frozen) }
  :: atomic { lives && gs[me] == Frozen && (renewed(me) || g_lease[me] > 0) ->
       g_lease[me] = LEASE; g_abandon[me] = limit(me); guest(Frozen, HeardAgain, Settled) }
  :: atomic { lives && g_abandon[me] == 0 && (gs[me] == Frozen || gs[me] == Leaving) ->
       given_up[me] = true;
       if
       :: gs[me] == Frozen -> guest(Frozen, Abandoned, Gone)
       :: gs[me] == Leaving -> guest(Leaving, Abandoned, Gone)
       fi; gone() }
  /* the guest's agent has asked home's */
  :: atomic { lives && !up[me] && arrived_guest[me] == 0 && (gs[me] == Frozen || gs[me] == Leaving) &&
              ((wire_ok && !h_mute && over_at_home(me)) || broken == PEER_BELIEVES_ANOTHER ||
               (broken == PEER_DROPS_UNKNOWN && wire_ok && h_mute)) ->
       if
       :: gs[me] == Frozen -> guest(Frozen, Over, Gone)
       :: gs[me] == Leaving -> guest(Leaving, Over, Gone)
       fi; gone() }

  /* it goes home */
  :: atomic { lives && gs[me] == Settled && seen[me] && returns > 0 && !sent_exit && up[me] && len(to_home[me]) < 3 ->
       returns--; guest(Settled, Leave, Leaving); send_image() }
  :: atomic { lives && gs[me] == Leaving && !up[me] && broken == GUEST_RESUMES_BY_ITSELF ->
       guest(Leaving, LeaveRefused, Settled) }
  :: atomic { lives && gs[me] == Leaving && up[me] && anew[me] && broken != IMAGE_NOT_SENT_AGAIN && len(to_home[me]) < 6 ->
       send_image() }
  :: atomic { from_home(mCameHome) ->
       hear(mCameHome, n);
       if
       :: gs[me] == Leaving -> guest(Leaving, Ended, Gone); gone()
       :: else -> assert(broken != 0)
       fi }
  :: atomic { from_home(mHomeRefused) ->
       hear(mHomeRefused, n);
       if
       :: gs[me] == Leaving && (n == g_attempt[me] || broken == OLD_REFUSALS_COUNT) ->
          guest(Leaving, LeaveRefused, Settled)
       :: else
       fi; n = 0 }
  :: atomic { gs[me] == Gone -> break_connection(me); break } /* its end closes the channel */
  od
}

/* --------------------------------------------------------------------------------- time and faults */

#define counting(x) (x != OFF && x > 0)
#define home_is_due ((hs == Committing && h_commit == 0) || (e != NONE && linked && !up[e] && arrived_home[e] == 0) || \
  (holds_shadow && !linked && (h_lost == 0 || \
     (wire_ok && !mute && !g_paused && ((known[e] && gs[e] != Gone) || !held(e))))))
#define guest_is_due(i) (dying[i] || (!dead[i] && \
  (((gs[i] == Restored || gs[i] == Running) && g_commit[i] == 0) || (gs[i] == Settled && g_lease[i] == 0) || \
   (gs[i] == Frozen && (g_lease[i] > 0 || renewed(i))) || ((gs[i] == Preparing || gs[i] == Filling) && (g_lease[i] == 0 || !up[i])) || \
   ((gs[i] == Frozen || gs[i] == Leaving) && g_abandon[i] == 0) || \
   (gs[i] != Gone && !known[i]))))
#define any_guest_is_due (guest_is_due(0) || guest_is_due(1))
#define time_matters ((!h_sleeps && (counting(h_commit) || counting(h_lost))) || \
  (!g_sleeps && (counting(g_commit[0]) || counting(g_commit[1]) || \
     (!renewed(0) && (counting(g_lease[0]) || counting(g_abandon[0]))) || \
     (!renewed(1) && (counting(g_lease[1]) || counting(g_abandon[1]))))))

inline count(x) {
  if :: counting(x) -> x-- :: else fi
}
inline tick_home() {
  count(h_commit); count(h_lost)
}
inline tick_guest(i) {
  if
  :: broken == LEASE_RENEWED_BEFORE_COMMIT && renewed(i) && g_commit[i] != OFF -> g_commit[i] = LEASE
  :: else -> count(g_commit[i])
  fi;
  if
  :: renewed(i) ->
     if :: g_lease[i] != OFF -> g_lease[i] = LEASE :: else fi;
     if :: g_abandon[i] != OFF -> g_abandon[i] = limit(i) :: else fi
  :: else -> count(g_lease[i]); count(g_abandon[i])
  fi
}

active proctype Time() {
end:
  do
  :: atomic { time_matters && (!home_is_due || !acts) && (!any_guest_is_due || g_paused) ->
       if :: g_paused && late < MARGIN -> late++ :: else fi;
       if :: h_sleeps || g_sleeps -> late = MARGIN :: else fi;
       if :: !h_sleeps -> tick_home() :: else fi;
       if
       :: g_sleeps
       :: !g_sleeps -> tick_guest(0); tick_guest(1)
       :: !g_sleeps && drifted < drift -> drifted++
       fi }
  od
}

/* A silent host's frames are read when it wakes: heard again, if the connection is still there. */
inline read_late(i) {
  if
  :: unread[i] -> unread[i] = false;
     if :: gs[i] != Gone -> g_lease[i] = LEASE; g_abandon[i] = limit(i) :: else fi
  :: else
  fi
}
active proctype Faults() {
end:
  do
  :: faults > 0 -> faults = 0 /* no more of them */
  :: atomic { faults > 0 && wire_ok && e != NONE -> faults--; wire_ok = false; break_connection(0); break_connection(1) }
  :: atomic { !wire_ok -> wire_ok = true }
  :: atomic { faults > 0 && e != NONE && up[e] -> faults--; break_connection(e) }  /* the channel's command dies */
  :: atomic { faults > 0 && h_alive && !h_paused -> faults--; h_paused = true; if :: h_sleeps = true :: skip fi }
  :: atomic { h_paused -> h_paused = false; h_sleeps = false }
  :: atomic { faults > 0 && e != NONE && gs[e] != Gone && !g_paused -> faults--; g_paused = true; if :: g_sleeps = true :: skip fi }
  :: atomic { faults > 0 && e != NONE && !mute -> faults--; mute = true }        /* stopped, led elsewhere, of another version */
  :: atomic { faults > 0 && e != NONE && !h_mute -> faults--; h_mute = true }
  :: atomic { g_paused -> g_paused = false; g_sleeps = false;
       read_late(0); read_late(1) }
  :: atomic { faults > 0 && e != NONE && known[e] -> faults--; known[e] = false }  /* the agent dies, another starts */
  :: atomic { gs[0] != Gone && !known[0] && !g_paused -> known[0] = true }
  :: atomic { gs[1] != Gone && !known[1] && !g_paused -> known[1] = true }
  :: atomic { faults > 0 && e != NONE && gs[e] != Gone && !dead[e] ->          /* the peer's supervisor, or the node */
       faults--; dead[e] = true; known[e] = false;
       if :: gs[e] == Running || gs[e] == Settled -> dying[e] = true :: else fi; /* its guest has still to be reached */
       gs[e] = Gone;
       g_commit[e] = OFF; g_lease[e] = OFF; g_abandon[e] = OFF; break_connection(e) }
  :: atomic { dying[0] && !g_paused -> dying[0] = false }
  :: atomic { dying[1] && !g_paused -> dying[1] = false }
  :: atomic { faults > 0 && h_alive && hs != Ended ->                          /* home's supervisor */
       faults--; h_alive = false; h_paused = false; h_sleeps = false;
       if :: holds_shadow -> killed = true :: else -> h_free = true fi;
       if :: e != NONE && !closed[e] -> break_connection(e); closed[e] = true; linked = false :: else fi;
       h_commit = OFF; h_lost = OFF }
  :: atomic { faults > 0 && acts && hs != Ended ->                             /* SIGKILL of the program */
       faults--; killed = true; h_commit = OFF; h_lost = OFF;
       if :: e != NONE && !closed[e] -> to_guest[e]!mKill,0 :: else fi;
       if
       :: hs == Home -> home(Home, Ended, Ended)
       :: hs == Preparing -> home(Preparing, Ended, Ended)
       :: hs == Freezing -> home(Freezing, Ended, Ended)
       :: hs == Transferring -> home(Transferring, Ended, Ended)
       :: hs == Committing -> home(Committing, Ended, Ended)
       :: hs == Confirming -> home(Confirming, Ended, Ended)
       :: hs == Away -> home(Away, Ended, Ended)
       :: hs == Returning -> home(Returning, Ended, Ended)
       fi }
  od
}

/* Where nothing can happen any more, the program has finished, or what it ended with was killed or given up, or home waits
 * for a node that never says what counts; and no guest is left. */
active proctype Verdict() {
  (timeout) ->
  assert(finished || killed || (mute && (hs == Away || hs == Returning || (hs == Confirming && told))));
  assert(!finished || effects == enough);
  assert(gs[0] == Gone && gs[1] == Gone)
}

c_decl {
static unsigned char setting(const char* name) { const char* text = getenv(name); return text ? atoi(text) : 0; }
}
init {
  d_step { c_code { now.faults = setting("FAULTS"); now.broken = setting("BROKEN");
                  now.journeys = setting("MOVES"); now.returns = setting("RETURNS");
                  now.enough = setting("EFFECTS"); now.drift = setting("DRIFT"); } };
  run HomeSide()
}
