# Compiler and linker flags of the whole project.

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
endif()

# An assert guards against our own bugs and stays on in every build: a recorder that goes on with a
# broken invariant writes broken files.
foreach(config IN ITEMS RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${config} "${CMAKE_C_FLAGS_${config}}")
endforeach()

add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
  -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough)
add_compile_definitions(_GNU_SOURCE)
if(RTSPREC_WERROR)
  add_compile_options(-Werror)
endif()

if(RTSPREC_SANITIZE)
  add_compile_options(-fsanitize=${RTSPREC_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${RTSPREC_SANITIZE})
else()
  # What comes from the network is parsed here. Fortified functions need the optimiser, and hide
  # from a sanitizer what it looks for, hence the two conditions.
  add_compile_options(
    -fstack-protector-strong
    $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE>
    $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=2>)
  add_link_options(-Wl,-z,relro -Wl,-z,now)
endif()

# An installed program finds the library of its own prefix, wherever that was moved; directories
# that the linker searches anyway need no entry.
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_INSTALL_FULL_LIBDIR IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR
    BASE_DIRECTORY "${CMAKE_INSTALL_FULL_BINDIR}" OUTPUT_VARIABLE bindir_to_libdir)
  set(CMAKE_INSTALL_RPATH "$ORIGIN/${bindir_to_libdir}")
endif()
