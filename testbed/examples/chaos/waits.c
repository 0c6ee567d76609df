/* libfaketime shows a process another time, but leaves C11's cnd_timedwait, which librdkafka waits with, to
 * the real one: a deadline by a clock that is an hour ahead is then an hour away. A machine whose clock is
 * wrong has no such difference. POSIX's wait, which libfaketime does translate, stands in for it here; in
 * glibc the types of both are the same. */
#include <errno.h>
#include <pthread.h>
#include <threads.h>

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until) {
  switch (pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until)) {
  case 0:
    return thrd_success;
  case ETIMEDOUT:
    return thrd_timedout;
  default:
    return thrd_error;
  }
}
