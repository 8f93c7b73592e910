/* What the header of a model needs of math.h, where there is no library: the functions are imported. */
#ifndef MATH_H
#define MATH_H
#define NAN __builtin_nanf("")
#define INFINITY __builtin_inff()
#define CR_BOTH(g) double g(double); float g##f(float)
CR_BOTH(exp); CR_BOTH(expm1); CR_BOTH(log); CR_BOTH(log1p); CR_BOTH(log2); CR_BOTH(sin); CR_BOTH(cos); CR_BOTH(tan);
CR_BOTH(sinh); CR_BOTH(cosh); CR_BOTH(tanh); CR_BOTH(atan); CR_BOTH(erf); CR_BOTH(erfc);
double pow(double, double);
float powf(float, float);
#define fabs __builtin_fabs
#define fabsf __builtin_fabsf
#define sqrt __builtin_sqrt
#define sqrtf __builtin_sqrtf
#define floor __builtin_floor
#define floorf __builtin_floorf
#define rint __builtin_rint
#define rintf __builtin_rintf
#endif
