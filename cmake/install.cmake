# What is neither library (lib/CMakeLists.txt) nor daemon (cmd/rtsprecd/CMakeLists.txt).

install(FILES LICENSE CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(FILES config/rtsprecd.example.json DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples OPTIONAL)
install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
  FILES_MATCHING PATTERN "*.c")
# systemd looks here in /usr and in /usr/local, whatever the architecture's libdir is.
install(FILES config/rtsprecd.service DESTINATION lib/systemd/system OPTIONAL)
