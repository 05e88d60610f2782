# What is neither library (lib/CMakeLists.txt) nor daemon (cmd/rtsprecd/CMakeLists.txt).

install(FILES LICENSE CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(FILES config/rtsprecd.example.json DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
  FILES_MATCHING PATTERN "*.c")
# systemd looks here in /usr and in /usr/local, whatever the architecture's libdir is. The unit names
# the program by its absolute path, which is known when it is installed.
install(CODE "
  file(READ \"${PROJECT_SOURCE_DIR}/config/rtsprecd.service\" unit)
  string(REPLACE /usr/bin/rtsprecd \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/rtsprecd\"
    unit \"\${unit}\")
  file(WRITE \"${PROJECT_BINARY_DIR}/rtsprecd.service\" \"\${unit}\")
  file(INSTALL \"${PROJECT_BINARY_DIR}/rtsprecd.service\"
    DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system\")")
install(FILES config/rtsprecd.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/rtsprec)
